//! `cargo demo`: one hub, from YAML to Ready and away again, on a real API server against a simulated Azure.
//!
//! Invariant: every line tells of something that happened, and was looked up where it happened. The first step that was
//! not as promised ends the demo with a failure that names it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use testbed::Error;
use tokio::signal::unix::{SignalKind, signal};

mod around;
mod bill;
mod chapters;
mod directory;
mod family;
mod health;
mod projects;
mod stage;
mod steps;
mod story;
mod tenants;
mod year;

use stage::Stage;
use story::Story;

/// Shows Keyholder at work: a real Kubernetes API server, the real operator, and a simulated Azure.
#[derive(Debug, Parser)]
#[command(name = "cargo demo", version)]
struct Arguments {
    /// End after the story; 0 if everything was as promised.
    #[arg(long)]
    exit: bool,
    /// Where the demo keeps its files: env (to be sourced by a shell), kubeconfig, logs.
    #[arg(long, default_value = ".demo")]
    directory: PathBuf,
    /// Tell this chapter instead of the story.
    #[arg(long)]
    chapter: Option<String>,
    /// Name the chapters.
    #[arg(long)]
    list: bool,
    /// Let the simulator lie, to see that the demo notices.
    #[arg(long, value_enum)]
    lie: Option<Lie>,
}

/// What the simulator can be made to lie about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lie {
    /// It answers that it stored a hub's key, and does not store it.
    DropKeyWrite,
    /// It shows purge protection on a vault that has none.
    ShowPurgeProtection,
    /// The managed resource group outlives the purge of its hub.
    ManagedGroupSurvivesPurge,
}

impl Lie {
    /// The simulator's name for it.
    fn setting(self) -> &'static str {
        match self {
            Self::DropKeyWrite => "dropKeyWrite",
            Self::ShowPurgeProtection => "showPurgeProtection",
            Self::ManagedGroupSurvivesPurge => "managedGroupSurvivesPurge",
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let stories = chapters::all();
    if arguments.list {
        for story in &stories {
            println!("{:<12} {}", story.name, story.about);
        }
        return ExitCode::SUCCESS;
    }
    let wanted = arguments.chapter.as_deref().unwrap_or(chapters::MAIN);
    let Some(story) = stories.into_iter().find(|story| story.name == wanted) else {
        eprintln!("There is no chapter {wanted}; `cargo demo -- --list` names them.");
        return ExitCode::from(2);
    };
    println!("Azure here is a simulator.");
    let mut stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => {
            eprintln!("{}", error.chain());
            return ExitCode::FAILURE;
        }
    };
    tokio::select! {
        code = tell(&arguments, &story) => code,
        () = stop.asked() => {
            println!("\nStopped.");
            ExitCode::from(130)
        }
    }
}

/// Tells the story; afterwards everything stays up until a signal, unless it is to end.
async fn tell(arguments: &Arguments, story: &Story) -> ExitCode {
    let stage = Stage::start(&arguments.directory, arguments.lie.map(Lie::setting)).await;
    let mut stage = match stage {
        Ok(stage) => stage,
        Err(error) => {
            eprintln!("The demo did not come up: {}", error.chain());
            return ExitCode::FAILURE;
        }
    };
    let told = story.tell(&mut stage).await;
    if let Err(broken) = told {
        println!("\n{broken}");
        println!("Logs are in {}.", stage.directory().path().display());
        return ExitCode::FAILURE;
    }
    match bill::of(&stage).await {
        Ok(bill) => println!("\n{bill}"),
        Err(error) => {
            println!("\nThe bill could not be drawn up: {}", error.chain());
            return ExitCode::FAILURE;
        }
    }
    if !arguments.exit {
        println!("\n{}", stage.directory().invitation());
        println!("\n{}", stage.keep_operator().await.chain());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Ctrl-C, or a polite kill.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(Error::file("listening for", "signals"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
