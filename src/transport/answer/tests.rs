use std::time::Instant;

use proptest::prelude::*;

use super::Decoder;
use crate::transport::{Answer, Failure, Reading};

fn reading(keep_bytes: usize) -> Reading {
    Reading {
        deadline: Instant::now(),
        body_bytes_max: 1_000,
        keep_bytes,
        keep_error_bytes: 5,
        may_defer: false,
    }
}

/// What becomes of these pieces, and of the end of the connection after them.
fn decode(to_head: bool, pieces: &[&[u8]]) -> Result<Option<(Answer, bool)>, Failure> {
    let mut decoder = Decoder::new(to_head, reading(1_000));
    for piece in pieces {
        if decoder.push(piece)? {
            return decoder.finish().map(Some);
        }
    }
    match decoder.end() {
        true => decoder.finish().map(Some),
        false => Ok(None),
    }
}

fn whole(text: &str) -> Result<Option<(Answer, bool)>, Failure> {
    decode(false, &[text.as_bytes()])
}

/// Status, body and whether the connection may be used again.
fn read(text: &str) -> (u16, String, bool) {
    let (answer, reusable) = whole(text).unwrap().expect("a complete answer");
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    (answer.status.as_u16(), body, reusable)
}

#[test]
fn a_body_ends_where_its_headers_say() {
    let of = |status, body: &str, reusable| (status, body.to_owned(), reusable);
    let cases = [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            of(200, "hello", true),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
            of(200, "hello", true),
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            of(200, "", true),
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\nto the end",
            of(200, "to the end", false),
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", of(204, "", true)),
        (
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n",
            of(304, "", true),
        ),
        (
            "HTTP/1.1 200\r\ncontent-length: 2\r\nconnection: keep-alive, Close\r\n\r\nok",
            of(200, "ok", false),
        ),
        (
            "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
            of(200, "ok", false),
        ),
        (
            "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: Keep-Alive\r\n\r\nok",
            of(200, "ok", true),
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            of(200, "ok", true),
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;name=value\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n",
            of(200, "abc0123456789", true),
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\nchecksum: 1\r\n\r\n",
            of(200, "a", true),
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nabc",
            of(200, "abc", false),
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            of(200, "a", false),
        ),
        // More than was asked for: the connection is not to be trusted.
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 500 ",
            of(200, "ok", false),
        ),
        // Of an error only as much is kept as was asked for.
        (
            "HTTP/1.1 500 Oh\r\ncontent-length: 9\r\n\r\nlong text",
            of(500, "long ", true),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), expected, "{text:?}");
    }
}

#[test]
fn an_answer_to_head_has_no_body() {
    let text = b"HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n";
    let (answer, reusable) = decode(true, &[text]).unwrap().expect("a complete answer");
    assert_eq!((answer.body_bytes, reusable), (0, true));
    assert_eq!(answer.headers["content-length"], "5000000");
}

#[test]
fn heads_are_taken_as_browsers_take_them() {
    let many: String = (0..5_000).map(|n| format!("x-{n}: v\r\n")).collect();
    let head = format!(
        "HTTP/1.1  200  OK\r\nX-Fold: a\r\n  b\r\n\tc\r\nSpace : s\r\nno colon\r\nName: M\u{fc}ller\r\nEmpty:\r\n{many}Content-Length: 2\r\n\r\nok"
    );
    let (answer, reusable) = whole(&head).unwrap().expect("a complete answer");
    assert_eq!((&answer.body[..], reusable), (&b"ok"[..], true));
    let header = |name: &str| answer.headers[name].as_bytes();
    assert_eq!(header("x-fold"), b"a b c");
    assert_eq!(header("space"), b"s");
    assert_eq!(header("name"), "M\u{fc}ller".as_bytes());
    assert_eq!(header("empty"), b"");
    assert_eq!(header("x-4999"), b"v");
}

#[test]
fn what_is_no_http_is_said_so() {
    for text in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "220 mail.example ESMTP\r\n\r\n",
        "\0\0\0\0",
    ] {
        assert_eq!(whole(text).unwrap_err(), Failure::NotHttp, "{text:?}");
    }
}

#[test]
fn http_that_breaks_its_rules_is_said_to() {
    let cases = [
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a size\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
    ];
    for text in cases {
        assert_eq!(whole(text).unwrap_err(), Failure::MalformedHttp, "{text:?}");
    }
}

#[test]
fn a_head_without_end_is_given_up() {
    let mut decoder = Decoder::new(false, reading(0));
    decoder.push(b"HTTP/1.1 200 OK\r\n").unwrap();
    let line = format!("x: {}\r\n", "y".repeat(1_000));
    let mut failure = None;
    for _ in 0..300 {
        failure = failure.or(decoder.push(line.as_bytes()).err());
    }
    assert_eq!(failure, Some(Failure::HeadTooLarge));
}

#[test]
fn a_switch_of_protocols_is_no_answer() {
    let text = "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n";
    assert_eq!(whole(text).unwrap_err(), Failure::UnaskedUpgrade);
}

#[test]
fn a_body_that_is_too_large_is_given_up() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n";
    assert_eq!(whole(announced).unwrap_err(), Failure::BodyTooLarge);
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1_001));
    assert_eq!(whole(&endless).unwrap_err(), Failure::BodyTooLarge);
}

/// An answer whose body is this one, compressed.
fn compressed(status: u16, body: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).expect("memory");
    let body = encoder.finish().expect("memory");
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

#[test]
fn a_compressed_body_is_kept_decoded_and_counted_both_ways() {
    let text = b"no news ".repeat(100);
    let (answer, reusable) = decode(false, &[&compressed(200, &text)]).unwrap().unwrap();
    assert_eq!(
        (&answer.body[..], answer.body_bytes, reusable),
        (&text[..], 800, true)
    );
    assert!(answer.wire_bytes < 100, "{}", answer.wire_bytes);
    let (error, _) = decode(false, &[&compressed(500, &text)]).unwrap().unwrap();
    assert_eq!((&error.body[..], error.body_bytes), (&b"no ne"[..], 800));
    let bomb = compressed(200, &[0; 1_001]);
    assert_eq!(decode(false, &[&bomb]).unwrap_err(), Failure::BodyTooLarge);
    let wrong = "HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 4\r\n\r\ntext";
    assert_eq!(whole(wrong).unwrap_err(), Failure::BadEncoding);
    let unknown = wrong.replace("br", "aws-chunked");
    assert_eq!(read(&unknown).1, "text");
    let no_body = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 70\r\n\r\n";
    assert_eq!(decode(true, &[no_body]).unwrap().unwrap().0.body_bytes, 0);
}

#[test]
fn an_answer_that_is_cut_off_is_not_complete() {
    let cases = [
        "",
        "HTTP/1.1 200 OK\r\ncontent-",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ];
    for text in cases {
        assert!(whole(text).unwrap().is_none(), "{text:?}");
    }
}

proptest! {
    /// However the network cuts an answer up, it is the same answer.
    #[test]
    fn cuts_make_no_difference(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        chunks in proptest::option::of(1_usize..50),
        interim in any::<bool>(),
        mut cuts in proptest::collection::vec(0_usize..700, 0..12),
    ) {
        let mut text = Vec::new();
        if interim {
            text.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        match chunks {
            None => {
                text.extend_from_slice(format!("HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes());
                text.extend_from_slice(&body);
            }
            Some(length) => {
                text.extend_from_slice(b"HTTP/1.1 200 OK\r\nx: 1\r\ntransfer-encoding: chunked\r\n\r\n");
                for chunk in body.chunks(length) {
                    text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    text.extend_from_slice(chunk);
                    text.extend_from_slice(b"\r\n");
                }
                text.extend_from_slice(b"0\r\n\r\n");
            }
        }
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().map(|cut| cut.min(text.len())) {
            pieces.push(&text[from..cut]);
            from = cut;
        }
        pieces.push(&text[from..]);
        let (answer, reusable) = decode(false, &pieces).unwrap().expect("a complete answer");
        prop_assert_eq!(&answer.body[..], &body[..]);
        prop_assert_eq!(answer.body_bytes, body.len() as u64);
        prop_assert_eq!(&answer.headers["x"], "1");
        prop_assert!(reusable);
    }

    /// Whatever comes, it is taken in or refused; nothing panics, and no more is kept than was asked for.
    #[test]
    fn anything_may_come(
        pieces in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..40),
                Just(b"HTTP/1.1 200 OK\r\n".to_vec()),
                Just(b"transfer-encoding: chunked\r\n".to_vec()),
                Just(b"content-length: 7\r\n".to_vec()),
                Just(b"\r\n".to_vec()),
                Just(b"5\r\nhello\r\n".to_vec()),
            ],
            0..12,
        ),
    ) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        if let Ok(Some((answer, _))) = decode(false, &pieces) {
            prop_assert!(answer.body.len() as u64 <= answer.body_bytes);
            prop_assert!(answer.body_bytes <= 1_000);
        }
    }
}
