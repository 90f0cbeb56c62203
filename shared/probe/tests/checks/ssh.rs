use std::net::SocketAddr;

use probe::{
    check::Check,
    outcome::{Outcome, Reason},
};
use tokio::io::AsyncWriteExt;

use crate::{is_up, outcome, outcome_in_brief, servers};

fn ssh(address: SocketAddr) -> Check {
    Check::Ssh { host: address.ip().to_string(), port: address.port() }
}

#[tokio::test]
async fn a_server_that_introduces_itself_is_up() {
    let longest = format!("SSH-2.0-{}\r\n", "x".repeat(245));
    for said in [
        "SSH-2.0-OpenSSH_10.2p1 Debian-1\r\n",
        "SSH-2.0-dropbear\n",
        "SSH-1.99-Cisco-1.25\r\n",
        "Authorised use only.\r\nAll is logged.\r\nSSH-2.0-x\r\n",
        &format!("{}\nSSH-2.0-x\r\n", "=".repeat(8000)),
        &longest,
    ] {
        assert!(is_up(&outcome(&ssh(servers::saying(said).await)).await), "{said:?}");
    }
}

#[tokio::test]
async fn an_introduction_in_pieces_is_one() {
    let address = servers::serve(|mut stream| async move {
        for piece in [b"Hello\r".as_slice(), b"\nSS", b"H-2.0", b"-x\r", b"\n"] {
            stream.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(is_up(&outcome(&ssh(address)).await));
}

#[tokio::test]
async fn whoever_says_something_else_is_down() {
    let too_long = format!("SSH-2.0-{}\r\n", "x".repeat(246));
    for said in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(),
        b"220 mail.example ESMTP\r\n",
        b"SSH-1.5-old\r\n",
        b"SSH-2.0-\r\n",
        b"SSH-2.0\r\n",
        b"SSH-2.0-without an end",
        b"SSH-2.0-\xff\xfe\r\n",
        b"ssh-2.0-x\r\n",
        b" SSH-2.0-x\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\0\0\0",
        &vec![0; 100_000],
        &vec![b'\n'; 100_000],
        too_long.as_bytes(),
    ] {
        let outcome = outcome(&ssh(servers::saying(said).await)).await;
        assert_eq!(outcome, Outcome::Down(Reason::Protocol), "{}", said.escape_ascii());
    }
}

#[tokio::test]
async fn whoever_says_nothing_or_never_ends_is_down() {
    let down = Outcome::Down;
    assert_eq!(outcome_in_brief(&ssh(servers::hanging().await)).await, down(Reason::Timeout));
    assert_eq!(outcome(&ssh(servers::saying("").await)).await, down(Reason::Reset));
    assert_eq!(outcome(&ssh(servers::nobody().await)).await, down(Reason::Refused));
    let endless =
        servers::serve(|mut stream| async move { while stream.write_all(b"wait\r\n").await.is_ok() {} });
    assert_eq!(outcome(&ssh(endless.await)).await, down(Reason::Protocol));
}
