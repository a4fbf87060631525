//! Sends to a run's receivers, byte for byte.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use crate::support::{Run, eventually};

/// Where a run receives.
pub(super) struct Receivers {
    pub(super) otlp: String,
    dogstatsd: String,
}

/// What OTLP's receiver answered.
pub(super) struct Answer(Vec<u8>);

impl Receivers {
    /// Where the run's log says that it listens.
    pub(super) fn of(run: &Run) -> Self {
        let place = |scheme: &str, protocol: &str| {
            eventually(protocol, || {
                let log =
                    std::fs::read_to_string(run.try_run_folder()?.join("loadgen.log")).ok()?;
                let line = log
                    .lines()
                    .find(|line| line.contains(&format!("{protocol} is received")))?;
                let (_, rest) = line.split_once(scheme)?;
                let end = rest.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)));
                Some(rest[..end.unwrap_or(rest.len())].to_owned())
            })
        };
        Self {
            otlp: place("http://", "OTLP"),
            dogstatsd: place("udp://", "DogStatsD"),
        }
    }

    /// A datagram.
    pub(super) fn say(&self, text: &str) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket
            .send_to(text.as_bytes(), &self.dogstatsd)
            .expect("it is sent");
    }

    /// Protobuf.
    pub(super) fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.request(
            "POST",
            path,
            &["content-type: application/x-protobuf"],
            body,
        )
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.otlp).expect("a connection");
        let limit = Some(Duration::from_secs(30));
        stream.set_read_timeout(limit).expect("a time limit");
        stream
    }

    pub(super) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &[u8],
    ) -> Answer {
        let mut stream = self.connect();
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        // Who is refused by the head alone need not send the body to its end.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Answer(answer)
    }
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        let text = self.text();
        let status = text
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("no answer: {text}"))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}
