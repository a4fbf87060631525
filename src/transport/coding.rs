//! PURE: takes the content codings off a body (RFC 9110, 8.4): gzip, deflate, br and zstd, as browsers do.
//!
//! A few bytes can stand for gigabytes: no stage yields more than a body may have, whatever it is made of. Must not know:
//! sockets, connections.

use std::io::{self, Read};

use ::http::HeaderMap;
use ::http::header::CONTENT_ENCODING;
use brotli_decompressor::Decompressor;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::Failure;
use super::list::list;

/// Most codings of one body, one upon the other.
const CODINGS_MAX: usize = 4;

/// What is decoded in one go.
const PIECE_BYTES: usize = 16 * 1024;

/// Longest header of a frame of zstd.
const ZSTD_HEAD_BYTES_MAX: u64 = 18;

/// Largest window of zstd: what a recipient must support, and a sender may ask for (RFC 9659).
const ZSTD_WINDOW_BYTES_MAX: u64 = 8 << 20;

/// One coding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// A body without its codings.
#[derive(Debug, PartialEq)]
pub(super) struct Decoded {
    /// As much of it as was to be kept.
    pub(super) kept: Vec<u8>,
    /// Its whole length.
    pub(super) bytes: u64,
}

/// The codings that an answer says its body has, in the order in which they were applied. None if one of them is unknown: a body
/// that cannot be decoded is left as it is, as browsers leave it.
pub(super) fn codings(headers: &HeaderMap) -> Vec<Coding> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        for name in list(value) {
            match name.to_ascii_lowercase().as_str() {
                "" | "identity" => {}
                "gzip" | "x-gzip" => codings.push(Coding::Gzip),
                "deflate" => codings.push(Coding::Deflate),
                "br" => codings.push(Coding::Brotli),
                "zstd" => codings.push(Coding::Zstd),
                _ => return Vec::new(),
            }
        }
    }
    codings
}

/// Takes the codings off a body, and keeps the first `keep` bytes of what comes out.
///
/// # Errors
/// [`Failure::BodyTooLarge`] when more than `bytes_max` bytes come out, of one of the codings or of all;
/// [`Failure::BadEncoding`] for what is not encoded as it says, or more than [`CODINGS_MAX`] times.
pub(super) fn decode(
    body: &[u8],
    codings: &[Coding],
    bytes_max: u64,
    keep: usize,
) -> Result<Decoded, Failure> {
    // Not a byte is not an encoded one either: what answers without a body say of their coding is about another one.
    if body.is_empty() {
        let (kept, bytes) = (Vec::new(), 0);
        return Ok(Decoded { kept, bytes });
    }
    if codings.len() > CODINGS_MAX {
        return Err(Failure::BadEncoding);
    }
    let mut stage: Box<dyn Read + '_> = Box::new(body);
    for coding in codings.iter().rev() {
        let inner = decoder(*coding, stage).map_err(|error| failure(&error))?;
        let left = bytes_max;
        stage = Box::new(Bounded { inner, left });
    }
    let (mut kept, mut bytes) = (Vec::new(), 0);
    let mut piece = [0; PIECE_BYTES];
    loop {
        let read = match stage.read(&mut piece) {
            Ok(0) => return Ok(Decoded { kept, bytes }),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failure(&error)),
        };
        bytes += read as u64;
        let wanted = keep.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(&piece[..wanted]);
    }
}

fn decoder<'a>(coding: Coding, mut encoded: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match coding {
        // One member, and nothing of what may follow it: so browsers read it.
        Coding::Gzip => Box::new(GzDecoder::new(encoded)),
        Coding::Deflate => {
            // By its name it is zlib's format; some send its inner one.
            let mut head = Vec::new();
            encoded.by_ref().take(2).read_to_end(&mut head)?;
            let is_zlib = matches!(*head, [first, second]
                if first & 0x0f == 8 && (u16::from(first) << 8 | u16::from(second)).is_multiple_of(31));
            let whole = io::Cursor::new(head).chain(encoded);
            match is_zlib {
                true => Box::new(ZlibDecoder::new(whole)),
                false => Box::new(DeflateDecoder::new(whole)),
            }
        }
        Coding::Brotli => Box::new(Decompressor::new(encoded, PIECE_BYTES)),
        Coding::Zstd => Box::new(Zstd::new(encoded)?),
    })
}

/// Frames of zstd, one after the other.
struct Zstd<R: Read> {
    /// The frame that is being read; `None` after the last one.
    frame: Option<StreamingDecoder<Source<R>, FrameDecoder>>,
}

/// What is still to be decoded, with the beginning that was looked at.
type Source<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

impl<R: Read> Zstd<R> {
    fn new(source: R) -> io::Result<Self> {
        let frame = Self::frame(Vec::new(), source, FrameDecoder::new())?;
        Ok(Self { frame })
    }

    /// The next frame, of which `head` has been read already; `None` if nothing follows.
    fn frame(
        mut head: Vec<u8>,
        mut source: R,
        decoder: FrameDecoder,
    ) -> io::Result<Option<StreamingDecoder<Source<R>, FrameDecoder>>> {
        let missing = ZSTD_HEAD_BYTES_MAX.saturating_sub(head.len() as u64);
        source.by_ref().take(missing).read_to_end(&mut head)?;
        if head.is_empty() {
            return Ok(None);
        }
        if zstd_window(&head).is_none_or(|bytes| bytes > ZSTD_WINDOW_BYTES_MAX) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let source = io::Cursor::new(head).chain(source);
        StreamingDecoder::new_with_decoder(source, decoder)
            .map(Some)
            .map_err(io::Error::other)
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(mut frame) = self.frame.take() {
            let read = frame.read(out)?;
            if read > 0 || out.is_empty() {
                self.frame = Some(frame);
                return Ok(read);
            }
            let (source, decoder) = frame.into_parts();
            let (beginning, rest) = source.into_inner();
            let read = usize::try_from(beginning.position()).unwrap_or(usize::MAX);
            let unread = beginning.get_ref().get(read..).unwrap_or_default().to_vec();
            self.frame = Self::frame(unread, rest, decoder)?;
        }
        Ok(0)
    }
}

/// The memory that a frame of zstd asks for (RFC 8878, 3.1.1.1); `None` if it does not begin with a whole header.
fn zstd_window(head: &[u8]) -> Option<u64> {
    let (magic, rest) = head.split_at_checked(4)?;
    let (descriptor, rest) = rest.split_first()?;
    if magic != [0x28, 0xb5, 0x2f, 0xfd] {
        return None;
    }
    let is_single_segment = descriptor & 0x20 != 0;
    if !is_single_segment {
        let window = rest.first()?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // Then the window is the content, whose size stands after the dictionary's id.
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let (length, added) = [(1, 0), (2, 256), (4, 0), (8, 0)][usize::from(descriptor >> 6)];
    let mut size = [0; 8];
    size[..length].copy_from_slice(rest.get(dictionary..dictionary + length)?);
    u64::from_le_bytes(size).checked_add(added)
}

/// The failure of a body that could not be decoded.
fn failure(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Failure::BodyTooLarge,
        _ => Failure::BadEncoding,
    }
}

/// Yields so many bytes; more are an error.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ::http::HeaderValue;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    /// More than any test needs.
    const MUCH: u64 = 1 << 20;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).expect("memory");
        encoder.finish().expect("memory")
    }

    fn zlib(body: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).expect("memory");
        encoder.finish().expect("memory")
    }

    fn raw_deflate(body: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).expect("memory");
        encoder.finish().expect("memory")
    }

    fn zstd(body: &[u8]) -> Vec<u8> {
        compress_to_vec(body, CompressionLevel::Fastest)
    }

    /// `hello, hello, hello` as the reference encoder writes it.
    const BROTLI: &[u8] =
        b"\x1b\x12\x00\xf8\x8d\x94\x6e\xde\x44\x09\x52\x86\x96\x6c\x2c\x6f\x11\x4f\x24\xd0\x71\x00";

    fn all(body: &[u8], codings: &[Coding]) -> Result<Vec<u8>, Failure> {
        decode(body, codings, MUCH, usize::MAX).map(|decoded| decoded.kept)
    }

    #[test]
    fn an_answer_says_how_its_body_is_encoded() {
        let of = |values: &[&'static str]| {
            let values = values.iter().map(|value| HeaderValue::from_static(value));
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, value);
            }
            codings(&headers)
        };
        assert_eq!(of(&[]), []);
        assert_eq!(of(&["identity"]), []);
        assert_eq!(
            of(&["GZip, deflate", "br,x-gzip ,zstd"]),
            [
                Coding::Gzip,
                Coding::Deflate,
                Coding::Brotli,
                Coding::Gzip,
                Coding::Zstd,
            ]
        );
        assert_eq!(of(&["gzip, compress"]), []);
    }

    proptest! {
        /// What was encoded comes back, in whatever way and order.
        #[test]
        fn bodies_come_back(
            body in proptest::collection::vec(any::<u8>(), 1..3_000),
            repeats in 1_usize..20,
            ways in proptest::collection::vec(0_usize..4, 1..=CODINGS_MAX),
        ) {
            let body = body.repeat(repeats);
            let mut encoded = body.clone();
            let mut codings = Vec::new();
            for way in ways {
                let (coding, encode) = [
                    (Coding::Gzip, gzip as fn(&[u8]) -> Vec<u8>),
                    (Coding::Deflate, zlib),
                    (Coding::Deflate, raw_deflate),
                    (Coding::Zstd, zstd),
                ][way];
                encoded = encode(&encoded);
                codings.push(coding);
            }
            prop_assert_eq!(all(&encoded, &codings), Ok(body.clone()));
            let some = decode(&encoded, &codings, MUCH, 7).expect("the body");
            prop_assert_eq!(&some.kept[..], &body[..body.len().min(7)]);
            prop_assert_eq!(some.bytes, body.len() as u64);
        }

        /// Whatever comes, it ends, and yields no more than it may.
        #[test]
        fn anything_may_come(
            body in proptest::collection::vec(any::<u8>(), 0..200),
            magic in prop_oneof![Just(&b""[..]), Just(&b"\x1f\x8b\x08\x00"[..]), Just(&b"\x28\xb5\x2f\xfd"[..]), Just(&b"\x78\x9c"[..])],
        ) {
            let body = [magic, &body].concat();
            for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
                if let Ok(decoded) = decode(&body, &[coding], 1_000, 10) {
                    prop_assert!(decoded.bytes <= 1_000 && decoded.kept.len() <= 10);
                }
            }
        }
    }

    #[test]
    fn brotli_comes_back() {
        assert_eq!(
            all(BROTLI, &[Coding::Brotli]).as_deref(),
            Ok(&b"hello, hello, hello"[..])
        );
    }

    #[test]
    fn frames_of_zstd_follow_one_another_and_what_follows_gzip_is_nothing() {
        let frames = [zstd(b"one "), zstd(b""), zstd(b"two")].concat();
        assert_eq!(
            all(&frames, &[Coding::Zstd]).as_deref(),
            Ok(&b"one two"[..])
        );
        let garbage = [gzip(b"one"), b"\0\0\0".to_vec()].concat();
        assert_eq!(all(&garbage, &[Coding::Gzip]).as_deref(), Ok(&b"one"[..]));
    }

    #[test]
    fn nothing_is_nothing_however_it_is_encoded() {
        assert_eq!(all(b"", &[Coding::Gzip, Coding::Zstd]), Ok(Vec::new()));
        assert_eq!(all(&gzip(b""), &[Coding::Gzip]), Ok(Vec::new()));
    }

    #[test]
    fn what_is_not_encoded_as_it_says_is_an_error() {
        let cut = |mut body: Vec<u8>| {
            body.truncate(body.len() - 5);
            body
        };
        let text = b"some text that is long enough to be cut off".repeat(3);
        for (body, coding) in [
            (b"plain text".to_vec(), Coding::Gzip),
            (b"plain text".to_vec(), Coding::Zstd),
            (cut(gzip(&text)), Coding::Gzip),
            (cut(zlib(&text)), Coding::Deflate),
            (cut(raw_deflate(&text)), Coding::Deflate),
            (cut(zstd(&text)), Coding::Zstd),
            (cut(BROTLI.to_vec()), Coding::Brotli),
            (gzip(&text), Coding::Brotli),
        ] {
            assert_eq!(
                all(&body, &[coding]),
                Err(Failure::BadEncoding),
                "{coding:?}"
            );
        }
        let five = [Coding::Gzip; CODINGS_MAX + 1];
        assert_eq!(all(&gzip(b"x"), &five), Err(Failure::BadEncoding));
    }

    #[test]
    fn a_few_bytes_do_not_become_gigabytes() {
        let zeros = vec![0; 4 << 20];
        for (body, coding) in [
            (gzip(&zeros), Coding::Gzip),
            (zlib(&zeros), Coding::Deflate),
            (zstd(&zeros), Coding::Zstd),
        ] {
            assert_eq!(
                all(&body, &[coding]),
                Err(Failure::BodyTooLarge),
                "{coding:?}"
            );
        }
        // Nor on the way to a few.
        let twice = gzip(&gzip(&zeros).repeat(2_000));
        assert_eq!(
            decode(&twice, &[Coding::Gzip, Coding::Gzip], 1 << 10, 0),
            Err(Failure::BodyTooLarge)
        );
        // A window of 2 GiB.
        let greedy = [&b"\x28\xb5\x2f\xfd\x00\xa8"[..], &[1, 0, 0]].concat();
        assert_eq!(all(&greedy, &[Coding::Zstd]), Err(Failure::BadEncoding));
    }
}
