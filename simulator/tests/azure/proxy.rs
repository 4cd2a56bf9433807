//! The proxy that leads to this Azure and nowhere else.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::common::{Azure, GROUP, assert_has, received, vault, vault_audience, vault_url, versioned};

/// What the proxy answers to a first line.
async fn said(azure: &Azure, first: &str) -> String {
    let address = azure.proxy().strip_prefix("http://").unwrap().to_owned();
    let text = format!("{first}\r\nHost: any\r\n\r\n");
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn all_hosts_of_this_azure_are_reached() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let client = reqwest::Client::builder()
        .proxy(reqwest::Proxy::all(azure.proxy()).unwrap())
        .tls_certs_only([azure.authority()])
        .build()
        .unwrap();
    let token = azure.token("owner").await;
    let url = azure.url(&versioned(GROUP));
    let request = client.get(url).bearer_auth(token);
    received(request.send().await.unwrap()).await.expect(200);
    let token = azure.token_for("writer", &vault_audience()).await;
    let request = client.get(vault_url("main/keys/one")).bearer_auth(token);
    received(request.send().await.unwrap()).await.expect(200);
}

#[tokio::test]
async fn nothing_else_is_reached() {
    let azure = Azure::start().await;
    let port = azure.url("").rsplit(':').next().unwrap().to_owned();
    for host in [
        "management.azure.com:443".to_owned(),
        "localhost:1".to_owned(),
        format!("127.0.0.1:{port}"),
        format!("example.localhost:{port}"),
        format!("main.vault.localhost.example.com:{port}"),
        format!("a.main.vault.localhost:{port}"),
    ] {
        let answer = said(&azure, &format!("CONNECT {host} HTTP/1.1")).await;
        assert_has(&answer, "HTTP/1.1 403 ");
        assert_has(&answer, &format!("not to {host}."));
    }
    let answer = said(&azure, "GET http://localhost/ HTTP/1.1").await;
    assert_has(&answer, "HTTP/1.1 405 ");
    let answer = said(&azure, "CONNECT localhost HTTP/1.1").await;
    assert_has(&answer, "HTTP/1.1 400 ");
    // The host of a vault is there as long as the vault is.
    let answer = said(&azure, &format!("CONNECT new.vault.localhost:{port} HTTP/1.1")).await;
    assert_has(&answer, "HTTP/1.1 502 ");
    azure.delete(&vault("main")).await.expect(200);
    let answer = said(&azure, &format!("CONNECT main.vault.localhost:{port} HTTP/1.1")).await;
    assert_has(&answer, "does not resolve");
}
