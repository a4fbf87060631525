//! Spans in OTLP, as protobuf messages over HTTP: a batch is one request, in which each service has a resource of its own.
//! Why the messages of `opentelemetry-proto` and not the whole SDK: docs/decisions/telemetry-export.md.

mod messages;

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;

use super::http::{HttpSender, SendError};
use super::{ExportError, Exporter, Signal, Wants};
use crate::settings::OtlpSettings;

/// Sends spans in OTLP.
pub struct Otlp {
    settings: OtlpSettings,
    attributes: Vec<(String, String)>,
    headers: HeaderMap,
    sender: HttpSender,
}

impl Otlp {
    /// An exporter to the receiver that the settings name; `attributes` stand in every resource. Nothing is opened yet.
    ///
    /// # Errors
    /// When the certificate cannot be used.
    pub fn new(settings: OtlpSettings, attributes: &[(String, String)]) -> io::Result<Self> {
        let certificate = settings.certificate.as_deref();
        let sender = HttpSender::new(&settings.endpoint, settings.timeout, certificate)?;
        let mut headers: HeaderMap = settings.headers.iter().cloned().collect();
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        headers.insert(CONTENT_TYPE, protobuf);
        if settings.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(Self {
            attributes: messages::process_attributes(attributes),
            settings,
            headers,
            sender,
        })
    }

    fn body(&self, batch: &[Signal]) -> io::Result<Bytes> {
        let message = messages::request(batch, &self.attributes).encode_to_vec();
        if !self.settings.gzip {
            return Ok(message.into());
        }
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&message)?;
        Ok(packed.finish()?.into())
    }

    fn send(&mut self, batch: &[Signal]) -> Result<Vec<u8>, SendError> {
        let body = self.body(batch).map_err(|error| SendError {
            reason: "unsendable",
            message: error.to_string(),
        })?;
        let endpoint = &self.settings.endpoint;
        let answer = self.sender.post(endpoint, &self.headers, &body)?;
        Ok(answer.body)
    }

    fn error(&self, reason: &'static str, lost: usize, message: &str) -> ExportError {
        let message = format!("OTLP at {}: {message}", self.settings.endpoint);
        ExportError {
            reason,
            lost,
            message,
        }
    }
}

impl Exporter for Otlp {
    fn name(&self) -> &'static str {
        "otlp"
    }

    fn wants(&self) -> Wants {
        Wants {
            spans: true,
            metrics_every: None,
        }
    }

    fn export(&mut self, batch: &[Signal]) -> Result<(), ExportError> {
        let answer = self.send(batch);
        let answer =
            answer.map_err(|error| self.error(error.reason, batch.len(), &error.message))?;
        // An answer that is not understood says nothing against what was taken.
        let answer = ExportTraceServiceResponse::decode(answer.as_slice()).unwrap_or_default();
        match answer.partial_success {
            Some(partial) if partial.rejected_spans > 0 => {
                let rejected = usize::try_from(partial.rejected_spans).unwrap_or(batch.len());
                Err(self.error("rejected", rejected, &partial.error_message))
            }
            _ => Ok(()),
        }
    }
}
