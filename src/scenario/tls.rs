//! TLS settings: files with certificates and keys, read and taken apart.
//!
//! Must not know: connections.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{ClientCertificate, Tls};

/// Largest file with certificates or a key that is read, bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// TLS settings as they are written: files by name.
#[derive(Debug, Clone, Default)]
pub struct TlsFiles {
    /// Authorities that are trusted in place of the system's.
    pub ca: Option<PathBuf>,
    /// Whether certificates are not verified.
    pub insecure: bool,
    /// The client's certificate, and those that lead to its authority.
    pub client_cert: Option<PathBuf>,
    /// Its key, if that is not in the same file.
    pub client_key: Option<PathBuf>,
    /// Lowest version: `1.2` or `1.3`.
    pub min_version: Option<String>,
}

/// The key of a setting, and what is wrong with it.
pub type TlsMistake = (&'static str, String);

impl Tls {
    /// These settings, with what the files give in place of it.
    ///
    /// # Errors
    /// Every setting that is wrong.
    pub fn with(mut self, files: &TlsFiles) -> Result<Self, Vec<TlsMistake>> {
        let mut mistakes = Vec::new();
        let mut note = |key: &'static str, message: String| mistakes.push((key, message));
        if let Some(path) = &files.ca {
            match certificates(path) {
                Ok(found) => self.ca = Some(found.into()),
                Err(message) => note("ca", message),
            }
        }
        self.insecure |= files.insecure;
        match (&files.client_cert, &files.client_key) {
            (Some(cert), key) => {
                let chain = certificates(cert).map_err(|message| note("client-cert", message));
                let of = if key.is_some() {
                    "client-key"
                } else {
                    "client-cert"
                };
                let key = private_key(key.as_ref().unwrap_or(cert));
                let key = key.map_err(|message| note(of, message));
                if let (Ok(chain), Ok(key)) = (chain, key) {
                    self.client = Some(Arc::new(ClientCertificate { chain, key }));
                }
            }
            (None, Some(_)) => note(
                "client-key",
                "a key without a certificate shows nothing; give `client-cert` too".to_owned(),
            ),
            (None, None) => {}
        }
        match files.min_version.as_deref().map(str::trim) {
            None => {}
            Some("1.2") => self.tls13_only = false,
            Some("1.3") => self.tls13_only = true,
            Some(other) => note(
                "min-version",
                format!("`{other}` is no version that loadgen speaks: 1.2 or 1.3"),
            ),
        }
        if mistakes.is_empty() {
            Ok(self)
        } else {
            Err(mistakes)
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(format!(
            "'{}' holds no certificate in PEM (-----BEGIN CERTIFICATE-----); `openssl x509 -inform der` and `openssl pkcs12 -nodes` make one of other forms",
            path.display()
        )),
        Ok(found) => Ok(found),
        Err(error) => Err(format!("'{}' is damaged: {error}", path.display())),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let pem = read(path)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        format!(
            "'{}' holds no private key in PEM; one with a passphrase is opened by `openssl pkey -in FILE -out OPEN`",
            path.display()
        )
    })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let refused = |what: &str| format!("'{}' cannot be read: {what}", path.display());
    let file = std::fs::File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => refused("there is no such file"),
        _ => refused(&error.to_string()),
    })?;
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| refused(&error.to_string()))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(refused(&format!(
            "it is larger than {} MiB",
            FILE_BYTES_MAX >> 20
        )));
    }
    Ok(bytes)
}
