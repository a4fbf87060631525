//! `multipart`: fields and files of a form, each a part with a head of its own (RFC 7578).

use std::path::Path;

use checked_yaml::{Place, Problem};
use http::HeaderValue;
use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use super::body::json_body;
use crate::scenario::check::report::Report;
use crate::scenario::check::template::{Meaning, Parts};
use crate::scenario::file::{PartDetail, PartOne, PartShape};
use crate::scenario::{Body, Piece};
use crate::template::{Encoding, write_quoted};

/// What files of the usual kinds are, by how their names end.
const KINDS: [(&str, &str); 16] = [
    ("csv", "text/csv"),
    ("gif", "image/gif"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("webp", "image/webp"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];
const KIND_UNKNOWN: &str = "application/octet-stream";

/// A body of several parts, as far as it has been made.
struct Form<'a> {
    report: &'a Report<'a>,
    meaning: Meaning<'a>,
    boundary: String,
    pieces: Vec<Piece>,
    text: Parts,
}

/// Compiles `multipart`. The boundary follows from what stands in the file, so that it is the same in every run.
pub(super) fn multipart(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    shape: &IndexMap<String, PartShape>,
    place: &Place,
) -> Body {
    let mut form = Form {
        report,
        meaning,
        boundary: boundary(shape, place),
        pieces: Vec::new(),
        text: Parts::default(),
    };
    for (name, part) in shape {
        let place = place.key(name);
        report.fixed("a part's name", name, report.document().key_span(&place));
        match part {
            PartShape::One(one) => form.part(name, one, &place),
            PartShape::Many(many) => {
                for (index, one) in many.iter().enumerate() {
                    form.part(name, one, &place.index(index));
                }
            }
        }
    }
    form.finish()
}

/// Random enough that no part holds it.
fn boundary(shape: &IndexMap<String, PartShape>, place: &Place) -> String {
    let digest = Sha256::digest(format!("{place:?} {shape:?}"));
    format!("loadgen-{}", &telemetry::text::hex(digest)[..32])
}

impl Form<'_> {
    fn part(&mut self, name: &str, part: &PartOne, place: &Place) {
        match part {
            PartOne::Text(scalar) => {
                self.head(name, None, None, place);
                let text = self.report.text_of(scalar, place);
                self.filled(&text, place, Encoding::Raw, str::to_owned);
            }
            PartOne::Detail(detail) => self.detailed(name, detail, place),
        }
        self.text.text("\r\n");
    }

    fn detailed(&mut self, name: &str, detail: &PartDetail, place: &Place) {
        let kind = self.kind(detail, place);
        match (&detail.file, &detail.text, &detail.json) {
            (Some(file), None, None) => {
                let own = Path::new(file).file_name().unwrap_or_default();
                let own = own.to_string_lossy().into_owned();
                let filename = detail.filename.as_ref().unwrap_or(&own);
                let kind = kind.unwrap_or_else(|| kind_of(file).to_owned());
                self.head(name, Some(filename), Some(&kind), place);
                if let Some(bytes) = self.report.body_file(file, &place.key("file")) {
                    self.flush();
                    self.pieces.push(Piece::Bytes(bytes));
                }
            }
            (None, Some(text), None) => {
                self.head(name, detail.filename.as_deref(), kind.as_deref(), place);
                let place = place.key("text");
                let text = self.report.text_of(text, &place);
                self.filled(&text, &place, Encoding::Raw, str::to_owned);
            }
            (None, None, Some(json)) => {
                let kind = kind.as_deref().unwrap_or("application/json");
                self.head(name, detail.filename.as_deref(), Some(kind), place);
                json_body(
                    self.report,
                    self.meaning,
                    json,
                    &place.key("json"),
                    &mut self.text,
                );
            }
            _ => self.report.add(
                self.report
                    .at_key(place, "a part takes its content from one source")
                    .label("needs exactly one of: text, file, json")
                    .help("for example `photo: { file: cat.png }`, or `title: cat` for a text"),
            ),
        }
    }

    /// The content type that is given.
    fn kind(&self, detail: &PartDetail, place: &Place) -> Option<String> {
        let kind = detail.content_type.as_ref()?;
        let span = self.report.document().span(&place.key("content-type"));
        self.report.fixed("a part's content type", kind, span);
        if HeaderValue::from_str(kind).is_err() {
            self.report.add(
                Problem::new(span, "this content type cannot be sent in a header")
                    .label("contains a control character"),
            );
        }
        Some(kind.clone())
    }

    fn head(&mut self, name: &str, filename: Option<&str>, kind: Option<&str>, place: &Place) {
        let begin = format!(
            "--{}\r\ncontent-disposition: form-data; name=\"{}\"",
            self.boundary,
            quoted(name)
        );
        self.text.text(&begin);
        if let Some(filename) = filename {
            self.text.text("; filename=\"");
            let place = place.key("filename");
            self.filled(filename, &place, Encoding::Quoted, quoted);
            self.text.text("\"");
        }
        if let Some(kind) = kind {
            self.text.text(&format!("\r\ncontent-type: {kind}"));
        }
        self.text.text("\r\n\r\n");
    }

    fn filled(
        &mut self,
        text: &str,
        place: &Place,
        encoding: Encoding,
        escape: fn(&str) -> String,
    ) {
        let appended = self
            .meaning
            .append(text, &mut self.text, |_| encoding, escape);
        self.report.take(place, appended);
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text).finish();
        self.pieces.push(Piece::Text(text));
    }

    fn finish(mut self) -> Body {
        self.text.text(&format!("--{}--\r\n", self.boundary));
        self.flush();
        Body {
            content_type: format!("multipart/form-data; boundary={}", self.boundary),
            pieces: self.pieces,
        }
    }
}

fn kind_of(file: &str) -> &'static str {
    let end = Path::new(file).extension().unwrap_or_default();
    let end = end.to_string_lossy().to_ascii_lowercase();
    let known = KINDS.iter().find(|(known, _)| *known == end);
    known.map_or(KIND_UNKNOWN, |(_, kind)| kind)
}

fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    write_quoted(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}
