//! Servers of a few lines each, at a port that the system chooses.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};

/// Does this with every connection.
#[expect(clippy::unused_async, reason = "all servers are started alike")]
pub(crate) async fn serve<F, D>(each: F) -> SocketAddr
where
    F: Fn(TcpStream) -> D + Send + 'static,
    D: Future<Output = ()> + Send + 'static,
{
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    // A batch knocks all at once, and who does not fit in would knock again after a second.
    let listener = socket.listen(1024).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(each(stream));
        }
    });
    address
}

/// Sends this at once, and closes.
pub(crate) async fn saying(text: impl Into<Vec<u8>>) -> SocketAddr {
    let text = text.into();
    serve(move |mut stream| {
        let text = text.clone();
        async move { say(&mut stream, &text).await }
    })
    .await
}

/// Reads a request, answers this, and closes.
pub(crate) async fn answering(text: impl Into<Vec<u8>>) -> SocketAddr {
    let text = text.into();
    serve(move |mut stream| {
        let text = text.clone();
        async move {
            request(&mut stream).await;
            say(&mut stream, &text).await;
        }
    })
    .await
}

/// Reads a request, answers the first, and then the second again and again, without end.
pub(crate) async fn endless(first: &'static [u8], then: &'static [u8]) -> SocketAddr {
    serve(move |mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(first).await;
        while stream.write_all(then).await.is_ok() {}
    })
    .await
}

/// Takes connections and says nothing.
pub(crate) async fn hanging() -> SocketAddr {
    serve(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await
}

/// Resets every connection once something came.
pub(crate) async fn resetting() -> SocketAddr {
    serve(|mut stream| async move {
        let _ = stream.read_u8().await;
        let _ = stream.set_zero_linger();
    })
    .await
}

/// A port at which nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap()
}

/// Reads a request to its empty line.
pub(crate) async fn request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => read.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(read).unwrap()
}

/// Sends this, closes, and reads what else comes, so that closing is no reset.
pub(crate) async fn say(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), text: &[u8]) {
    let _ = stream.write_all(text).await;
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}
