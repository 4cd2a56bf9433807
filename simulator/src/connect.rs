//! A proxy for clients on machines where hosts below `localhost` do not resolve: it takes HTTP CONNECT, and routes by host.
//!
//! Invariant: it leads to this Azure's own listener and nowhere else; no name is looked up, and nothing is dialled outside.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::server::Azure;

/// The longest head of a request that is read.
const LONGEST_HEAD: u64 = 16 * 1024;
/// How long a client may take for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves until it is dropped; `target` is this Azure's listener.
pub(crate) async fn serve(listener: TcpListener, azure: Arc<Azure>, target: SocketAddr) {
    let target = if target.ip().is_unspecified() {
        SocketAddr::from((Ipv4Addr::LOCALHOST, target.port()))
    } else {
        target
    };
    let mut tunnels = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                let azure = Arc::clone(&azure);
                tunnels.spawn(async move {
                    // A client that went away is no concern of anybody's.
                    let _ = tunnel(client, &azure, target).await;
                });
            }
            // As when there are too many open files: it may get better.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        while tunnels.try_join_next().is_some() {}
    }
}

async fn tunnel(client: TcpStream, azure: &Azure, target: SocketAddr) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let head = tokio::time::timeout(PATIENCE, head(&mut client)).await??;
    let answer = route(&head, azure, target.port());
    if let Err((status, why)) = answer {
        let text = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{why}",
            why.len()
        );
        client.write_all(text.as_bytes()).await?;
        return client.shutdown().await;
    }
    let mut server = TcpStream::connect(target).await?;
    client
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// The request's first line; the header fields after it do not matter.
async fn head(client: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut limited = client.take(LONGEST_HEAD);
    let mut first = String::new();
    limited.read_line(&mut first).await?;
    loop {
        let mut line = String::new();
        if limited.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.trim_end().is_empty() {
            return Ok(first);
        }
    }
}

/// Whether a request may pass.
fn route(first: &str, azure: &Azure, own_port: u16) -> Result<(), (&'static str, String)> {
    let mut words = first.split_ascii_whitespace();
    let (Some("CONNECT"), Some(authority)) = (words.next(), words.next()) else {
        return Err((
            "405 Method Not Allowed",
            "This proxy knows CONNECT alone.\n".to_owned(),
        ));
    };
    let Some((host, port)) = authority.rsplit_once(':') else {
        return Err(("400 Bad Request", format!("{authority} has no port.\n")));
    };
    let vault = crate::data_plane::vault_in(host);
    if (vault.is_none() && !host.eq_ignore_ascii_case("localhost")) || port != own_port.to_string() {
        return Err((
            "403 Forbidden",
            format!("This proxy leads to the simulated Azure alone, not to {authority}.\n"),
        ));
    }
    match vault {
        // In Azure the name of a vault that is not there does not resolve.
        Some(vault) if azure.world().vault_named(vault).is_none() => {
            Err(("502 Bad Gateway", format!("{host} does not resolve.\n")))
        }
        _ => Ok(()),
    }
}
