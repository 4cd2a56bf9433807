//! stub
#![allow(missing_docs, dead_code)]
#[derive(Default)]
pub struct Config {
    pub traffic_log: Option<std::path::PathBuf>,
    pub x: u8,
}
pub struct Simulator;
impl Simulator {
    pub async fn start(_c: Config) -> Result<Self, std::io::Error> {
        tokio::task::yield_now().await;
        Ok(Self)
    }
    pub fn endpoint(&self) -> &str {
        ""
    }
    pub fn ca_pem(&self) -> &str {
        ""
    }
    pub async fn shutdown(self) {
        tokio::task::yield_now().await;
    }
}
