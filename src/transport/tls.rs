//! TLS of connections: whom they trust, what they show of themselves, and why a handshake failed.
//!
//! Must not know: scenarios' files, statistics.

use std::cell::OnceCell;
use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, SupportedProtocolVersion,
};
use tokio_rustls::TlsConnector;

use crate::scenario::{Http, HttpVersion, Tls};

/// Sessions that one worker keeps for faster handshakes.
const SESSIONS_MAX: usize = 256;

/// What a target is offered, and chooses, for HTTP/2 (RFC 9113, 3.1).
pub(super) const HTTP2: &[u8] = b"h2";

const HTTP1: &[u8] = b"http/1.1";

const TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// The TLS of a run: made once, when a connection needs it first or when the run is prepared.
#[derive(Debug)]
pub struct ClientTls {
    settings: Tls,
    version: HttpVersion,
    made: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl ClientTls {
    /// By these settings.
    pub fn new(settings: &Http) -> Self {
        Self {
            settings: settings.tls.clone(),
            version: settings.version,
            made: OnceLock::new(),
        }
    }

    /// Makes it ready, so that no connection has to wait for it.
    ///
    /// # Errors
    /// A sentence for people when the system's authorities cannot be read, or key and certificate do not belong together.
    pub fn prepare(&self) -> Result<Arc<ClientConfig>, String> {
        let made = self
            .made
            .get_or_init(|| config(&self.settings, self.version).map(Arc::new));
        made.clone()
    }
}

/// The TLS of one worker: its sessions are its own, so that workers do not wait for each other.
pub(super) struct WorkerTls {
    run: Arc<ClientTls>,
    connector: OnceCell<Option<TlsConnector>>,
}

impl WorkerTls {
    pub(super) fn new(run: Arc<ClientTls>) -> Self {
        Self {
            run,
            connector: OnceCell::new(),
        }
    }

    /// What makes handshakes; none where it cannot be made.
    pub(super) fn connector(&self) -> Option<&TlsConnector> {
        let make = || match self.run.prepare() {
            Ok(config) => {
                let mut config = ClientConfig::clone(&config);
                config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
                Some(TlsConnector::from(Arc::new(config)))
            }
            Err(error) => {
                tracing::error!("no TLS connection can be made: {error}");
                None
            }
        };
        self.connector.get_or_init(make).as_ref()
    }
}

fn config(settings: &Tls, version: HttpVersion) -> Result<ClientConfig, String> {
    let mut config = config_of(settings)?;
    let offered: &[&[u8]] = match version {
        HttpVersion::Auto => &[HTTP2, HTTP1],
        HttpVersion::Http1 => &[HTTP1],
        HttpVersion::Http2 => &[HTTP2],
    };
    config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

fn config_of(settings: &Tls) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = match settings.tls13_only {
        true => builder.with_protocol_versions(TLS13),
        false => builder.with_safe_default_protocol_versions(),
    };
    let builder = builder.map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier(settings, provider)?);
    match &settings.client {
        None => Ok(builder.with_no_client_auth()),
        Some(client) => builder
            .with_client_auth_cert(client.chain.clone(), client.key.clone_key())
            .map_err(|error| {
                format!("the client certificate cannot be used: {error}; do certificate and key belong together?")
            }),
    }
}

fn verifier(
    settings: &Tls,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    if settings.insecure {
        return Ok(Arc::new(Anyone(provider)));
    }
    let trusted = match &settings.ca {
        Some(ca) => ca.to_vec(),
        None => authorities_of_the_system()?,
    };
    let roots = match trusted.is_empty() {
        // A machine without any, such as a small container.
        true => RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        },
        false => {
            let mut roots = RootCertStore::empty();
            // Stores hold some that nothing can be verified by.
            roots.add_parsable_certificates(trusted.iter().cloned());
            roots
        }
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| format!("there is no authority that can be trusted: {error}"))?;
    Ok(Arc::new(Trusted {
        by_authority: verifier,
        by_itself: settings.ca.clone().unwrap_or_default(),
    }))
}

/// Those of `SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set, else the system's; none where there is no store.
fn authorities_of_the_system() -> Result<Vec<CertificateDer<'static>>, String> {
    let asked = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .into_iter()
        .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    let found = rustls_native_certs::load_native_certs();
    match (asked, found.errors.first()) {
        (Some(name), Some(error)) if found.certs.is_empty() => Err(format!(
            "{name} names no certificates that can be read: {error}"
        )),
        (Some(name), None) if found.certs.is_empty() => {
            Err(format!("{name} names no certificates"))
        }
        (_, Some(error)) => {
            tracing::warn!("not all of the system's certificates can be read: {error}");
            Ok(found.certs)
        }
        (_, None) => Ok(found.certs),
    }
}

/// Certificates that lead to an authority, or that are trusted themselves.
#[derive(Debug)]
struct Trusted {
    by_authority: Arc<WebPkiServerVerifier>,
    by_itself: Arc<[CertificateDer<'static>]>,
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.by_authority.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // A staging system often shows its own authority as its certificate (`openssl req -x509`), which a verifier by the
            // letter refuses as the last link of a chain, after it has looked at the dates. Who is trusted by name is trusted.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if self.by_itself.iter().any(|known| known == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_authority
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_authority
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_authority.supported_verify_schemes()
    }
}

/// Any certificate will do: `insecure`, which the run's record says.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Why there is no TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsFailure {
    /// The certificate leads to no trusted authority.
    UnknownIssuer,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is another host's.
    WrongName,
    /// Something else is wrong with it.
    BadCertificate,
    /// Both sides have no version or cipher in common.
    Version,
    /// The target did not accept the client's certificate, or wants one.
    ClientCertificate,
    /// The target speaks none of the versions of HTTP that it was offered.
    NoProtocol,
    /// The target refused for another reason.
    Refused,
    /// What came is no TLS.
    NotTls,
    /// The connection ended during the handshake.
    Closed,
    /// Anything else.
    Other,
}

impl TlsFailure {
    /// What a failed read, write or handshake says.
    pub(super) fn of_io(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        inner.map_or(Self::Other, Self::of)
    }

    fn of(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(error) => Self::of_certificate(error),
            Error::NoCertificatesPresented | Error::UnsupportedNameType => Self::BadCertificate,
            Error::PeerIncompatible(_) => Self::Version,
            Error::AlertReceived(alert) => Self::of_alert(*alert),
            Error::InvalidMessage(_) => Self::NotTls,
            _ => Self::Other,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        use CertificateError as E;
        match error {
            E::UnknownIssuer | E::BadSignature => Self::UnknownIssuer,
            E::Expired | E::ExpiredContext { .. } => Self::Expired,
            E::NotValidYet | E::NotValidYetContext { .. } => Self::NotYetValid,
            E::NotValidForName | E::NotValidForNameContext { .. } => Self::WrongName,
            _ => Self::BadCertificate,
        }
    }

    fn of_alert(alert: AlertDescription) -> Self {
        use AlertDescription as A;
        match alert {
            A::NoApplicationProtocol => Self::NoProtocol,
            A::ProtocolVersion | A::InsufficientSecurity => Self::Version,
            A::CertificateRequired
            | A::BadCertificate
            | A::UnknownCA
            | A::CertificateExpired
            | A::CertificateRevoked
            | A::CertificateUnknown
            | A::UnsupportedCertificate
            | A::AccessDenied
            | A::NoCertificate => Self::ClientCertificate,
            _ => Self::Refused,
        }
    }

    /// What it is counted under.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownIssuer => "tls_unknown_issuer",
            Self::Expired => "tls_expired",
            Self::NotYetValid => "tls_not_yet_valid",
            Self::WrongName => "tls_wrong_name",
            Self::BadCertificate => "tls_bad_certificate",
            Self::Version => "tls_version",
            Self::ClientCertificate => "tls_client_certificate",
            Self::NoProtocol => "tls_no_protocol",
            Self::Refused => "tls_refused",
            Self::NotTls => "tls_not_spoken",
            Self::Closed => "tls_closed",
            Self::Other => "tls",
        }
    }

    /// What happened and what to do, in a sentence.
    pub fn why(self) -> &'static str {
        match self {
            Self::UnknownIssuer => {
                "the target's certificate is signed by nobody who is trusted here; name its authority with `http.tls.ca` or --ca"
            }
            Self::Expired => {
                "the target's certificate has expired, or this machine's clock is wrong"
            }
            Self::NotYetValid => {
                "the target's certificate is not valid yet, or this machine's clock is wrong"
            }
            Self::WrongName => {
                "the target's certificate is for other names than the host of the URL; use a name that it is for, with --resolve if need be"
            }
            Self::BadCertificate => "the target's certificate cannot be used",
            Self::Version => {
                "loadgen and the target have no TLS version or cipher in common; see `http.tls.min-version` (loadgen speaks 1.2 and 1.3)"
            }
            Self::ClientCertificate => {
                "the target did not accept a client certificate, or wants one; give one with `http.tls.client-cert` or --client-cert"
            }
            Self::NoProtocol => {
                "the target speaks no version of HTTP that it was offered; `http.version: auto` offers 2 and 1.1"
            }
            Self::Refused => {
                "the target refused the handshake; without a client certificate it may want one"
            }
            Self::NotTls => "what came is no TLS; is the target's URL one of http://?",
            Self::Closed => "the target closed the connection during the handshake",
            Self::Other => "the TLS handshake failed",
        }
    }
}
