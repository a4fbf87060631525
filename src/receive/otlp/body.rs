//! A request's body, read and unpacked within bounds.

use std::io::Read as _;
use std::time::Duration;

use bytes::BytesMut;
use flate2::bufread::MultiGzDecoder;
use http::header::CONTENT_ENCODING;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::answer::Refusal;

/// Longest body as it is sent, bytes.
const SENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest body as it is unpacked, bytes.
const UNPACKED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a client may take to send a body.
const BODY_MAX: Duration = Duration::from_secs(5);

/// The whole body, unpacked.
pub(super) async fn read(request: Request<Incoming>) -> Result<Vec<u8>, Refusal> {
    let coding = request.headers().get(CONTENT_ENCODING);
    let is_packed = match coding.map(|coding| coding.as_bytes()) {
        None | Some(b"" | b"identity") => false,
        Some(b"gzip") => true,
        Some(_) => {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send the body as it is, or packed with gzip",
            ));
        }
    };
    let body = request.into_body();
    if body.size_hint().lower() > SENT_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let sent = tokio::time::timeout(BODY_MAX, collected(body)).await;
    let sent = sent.map_err(|_| {
        Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body took longer than 10 s",
        )
    })??;
    match is_packed {
        true => unpacked(&sent),
        false => Ok(sent.into()),
    }
}

async fn collected(mut body: Incoming) -> Result<BytesMut, Refusal> {
    let mut sent = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::malformed("the body broke off"))?;
        let Some(piece) = frame.data_ref() else {
            continue;
        };
        if sent.len() + piece.len() > SENT_BYTES_MAX {
            return Err(too_large());
        }
        sent.extend_from_slice(piece);
    }
    Ok(sent)
}

fn unpacked(sent: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let mut unpacked = MultiGzDecoder::new(sent).take(UNPACKED_BYTES_MAX as u64 + 1);
    unpacked
        .read_to_end(&mut bytes)
        .map_err(|error| Refusal::malformed(format!("the body is no gzip: {error}")))?;
    match bytes.len() > UNPACKED_BYTES_MAX {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

fn too_large() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "a body has 4 MiB at most, unpacked 16 MiB; send smaller batches",
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::{UNPACKED_BYTES_MAX, unpacked};

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).expect("memory");
        packed.finish().expect("memory")
    }

    #[test]
    fn a_body_is_unpacked_up_to_its_bound() {
        assert_eq!(unpacked(&packed(b"abc")), Ok(b"abc".to_vec()));
        let largest = packed(&vec![0; UNPACKED_BYTES_MAX]);
        assert_eq!(
            unpacked(&largest).map(|bytes| bytes.len()),
            Ok(UNPACKED_BYTES_MAX)
        );
        let bomb = packed(&vec![0; UNPACKED_BYTES_MAX + 1]);
        assert_eq!(unpacked(&bomb).expect_err("too large").status, 413);
        assert_eq!(unpacked(b"abc").expect_err("no gzip").status, 400);
    }
}
