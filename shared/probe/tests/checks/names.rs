//! A name server on loopback.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use hickory_resolver::proto::{
    op::{Message, OpCode, Query, ResponseCode},
    rr::{RData, Record},
};
use tokio::net::UdpSocket;

/// What it answers.
pub(crate) enum Answer {
    Records(Vec<RData>),
    Code(ResponseCode),
    Bytes(&'static [u8]),
    Nothing,
}

pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl NameServer {
    /// Answers every question so, of which it is told the number as well.
    pub(crate) async fn answering(answer: impl Fn(&Query, usize) -> Answer + Send + 'static) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, asked) = (socket.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let count = asked.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let question = Message::from_vec(&buffer[..length]).unwrap();
                let number = count.fetch_add(1, Ordering::SeqCst);
                if let Some(bytes) = reply(&question, answer(&question.queries[0], number)) {
                    let _ = socket.send_to(&bytes, from).await;
                }
            }
        });
        Self { address, asked }
    }

    /// Has these addresses for every name.
    pub(crate) async fn of(addresses: &'static [&'static str]) -> Self {
        Self::answering(move |query, _| {
            let addresses = addresses.iter().map(|text| RData::from(text.parse::<IpAddr>().unwrap()));
            Answer::Records(addresses.filter(|data| data.record_type() == query.query_type()).collect())
        })
        .await
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn reply(question: &Message, answer: Answer) -> Option<Vec<u8>> {
    let mut message = Message::response(question.metadata.id, OpCode::Query);
    let query = question.queries[0].clone();
    message.metadata.recursion_available = true;
    match answer {
        Answer::Nothing => return None,
        Answer::Bytes(bytes) => return Some(bytes.to_vec()),
        Answer::Code(code) => message.metadata.response_code = code,
        Answer::Records(records) => {
            for data in records {
                message.add_answer(Record::from_rdata(query.name().clone(), 60, data));
            }
        }
    }
    message.add_query(query);
    Some(message.to_vec().unwrap())
}
