//! Who a session belongs to: device, browser, connection and place, as RUM events say it.

use rand::RngCore as _;
use serde::Serialize;
use uuid::{Builder, Uuid};

use super::event::{SDK_VERSION, as_text};
use crate::data::Client;
use crate::rng::ShopperRng;

/// Share of mobile devices that are not at home in a WLAN, and of those the ones with a slow network.
const CELLULAR_SHARE: f64 = 0.6;
const SLOW_CELLULAR_SHARE: f64 = 0.1;

/// A shopper as its browser knows it.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The session's id, as the requests' headers carry it.
    pub session: Uuid,
    /// Its browser.
    pub client: Client,
    /// What its requests say in `user-agent`.
    pub user_agent: &'static str,
    /// The persona's index.
    pub persona: usize,
}

/// What is the same in all events of a run.
#[derive(Debug, Clone)]
pub struct Application {
    /// The application's id.
    pub id: Uuid,
    /// Its service.
    pub service: String,
    /// The environment.
    pub env: String,
    /// The version of what is tested, if it is known.
    pub version: Option<String>,
    /// Sessions that are kept, per cent.
    pub session_sample_rate: f64,
    /// Kept sessions that are traced, per cent.
    pub trace_sample_rate: f64,
}

impl Application {
    /// The tags of every event. A comma in a value would begin another tag.
    pub fn tags(&self) -> String {
        let version = self.version.as_deref().unwrap_or_default();
        let tags = [
            ("sdk_version", SDK_VERSION),
            ("env", &self.env),
            ("service", &self.service),
            ("version", version),
        ];
        let tags = tags.iter().filter(|(_, value)| !value.is_empty());
        let tags: Vec<String> = tags
            .map(|(key, value)| format!("{key}:{}", value.replace(',', "_")))
            .collect();
        tags.join(",")
    }
}

/// How a device is online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Connection {
    interface: &'static str,
    effective_type: &'static str,
}

impl Connection {
    /// Draws one that suits the device.
    pub(super) fn draw(device: &str, rng: &mut ShopperRng) -> Self {
        // Drawn in any case, so that a persona's device changes no other number.
        let (cellular, slow) = (rng.chance(CELLULAR_SHARE), rng.chance(SLOW_CELLULAR_SHARE));
        let interface = match device {
            "mobile" if cellular => "cellular",
            "desktop" => "ethernet",
            _ => "wifi",
        };
        let slow = slow && interface == "cellular";
        Self {
            interface,
            effective_type: if slow { "3g" } else { "4g" },
        }
    }
}

/// The end of every event of a session, from its first comma to the closing brace: made once.
pub(super) fn tail(
    visitor: &Visitor,
    application: &Application,
    persona: &str,
    connection: Connection,
    anonymous: Uuid,
) -> Vec<u8> {
    let client = &visitor.client;
    let (version, version_major) = os_version(client.os);
    let (width, height) = client.viewport;
    let languages = languages(client.accept_language);
    let tail = Tail {
        source: "browser",
        application: Named { id: application.id },
        service: &application.service,
        version: application.version.as_deref(),
        ddtags: &application.tags(),
        usr: Anonymous {
            anonymous_id: anonymous,
        },
        connectivity: Connectivity {
            status: "connected",
            interfaces: [connection.interface],
            effective_type: connection.effective_type,
        },
        device: Device {
            kind: client.device,
            locale: languages.first().copied().unwrap_or("en-US"),
            locales: &languages,
            time_zone: time_zone(client.country),
        },
        os: Os {
            name: client.os,
            version,
            version_major,
        },
        context: Context {
            persona,
            browser: client.browser,
            geo: Geo {
                country: client.country,
            },
        },
        display: Display {
            viewport: Size { width, height },
        },
    };
    let mut text = serde_json::to_vec(&tail).unwrap_or_default();
    // The brace that opens it becomes the comma behind what differs from event to event.
    if let Some(first) = text.first_mut() {
        *first = b',';
    }
    text
}

/// Draws the ids of what has no place on the wire.
pub(super) fn draw_uuid(rng: &mut ShopperRng) -> Uuid {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}

/// Languages of an `accept-language` header, in order.
fn languages(header: &str) -> Vec<&str> {
    let names = header.split(',').filter_map(|part| part.split(';').next());
    names.map(str::trim).collect()
}

/// What the browsers of [`Client`] say about their systems.
fn os_version(os: &str) -> (&'static str, &'static str) {
    match os {
        "Mac OS" => ("10.15.7", "10"),
        "iOS" => ("18.6", "18"),
        _ => ("10", "10"),
    }
}

/// The zone of a country's largest city.
fn time_zone(country: &str) -> &'static str {
    match country {
        "US" => "America/New_York",
        "CA" => "America/Toronto",
        "BR" => "America/Sao_Paulo",
        "GB" => "Europe/London",
        "IE" => "Europe/Dublin",
        "DE" => "Europe/Berlin",
        "AT" => "Europe/Vienna",
        "CH" => "Europe/Zurich",
        "FR" => "Europe/Paris",
        "IT" => "Europe/Rome",
        "NL" => "Europe/Amsterdam",
        "ES" => "Europe/Madrid",
        "PT" => "Europe/Lisbon",
        _ => "UTC",
    }
}

#[derive(Serialize)]
struct Tail<'a> {
    source: &'static str,
    application: Named,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    ddtags: &'a str,
    usr: Anonymous,
    connectivity: Connectivity,
    device: Device<'a>,
    os: Os,
    context: Context<'a>,
    display: Display,
}

#[derive(Serialize)]
struct Named {
    #[serde(serialize_with = "as_text")]
    id: Uuid,
}

#[derive(Serialize)]
struct Anonymous {
    #[serde(serialize_with = "as_text")]
    anonymous_id: Uuid,
}

#[derive(Serialize)]
struct Connectivity {
    status: &'static str,
    interfaces: [&'static str; 1],
    effective_type: &'static str,
}

#[derive(Serialize)]
struct Device<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    locale: &'a str,
    locales: &'a [&'a str],
    time_zone: &'static str,
}

#[derive(Serialize)]
struct Os {
    name: &'static str,
    version: &'static str,
    version_major: &'static str,
}

#[derive(Serialize)]
struct Context<'a> {
    persona: &'a str,
    browser: &'static str,
    geo: Geo,
}

#[derive(Serialize)]
struct Geo {
    country: &'static str,
}

#[derive(Serialize)]
struct Display {
    viewport: Size,
}

#[derive(Serialize)]
struct Size {
    width: u16,
    height: u16,
}
