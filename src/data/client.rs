//! What a browser says about itself.

use super::country::Country;

/// The headers and the screen of one shopper's browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// `desktop`, `mobile` or `tablet`.
    pub device: &'static str,
    /// `chrome`, `safari`, `firefox` or `edge`.
    pub browser: &'static str,
    /// Where it was sold: an ISO 3166 code.
    pub country: &'static str,
    /// The `user-agent` header.
    pub user_agent: &'static str,
    /// The `accept-language` header.
    pub accept_language: &'static str,
    /// Width and height of the page in CSS pixels.
    pub viewport: (u16, u16),
    /// The operating system, as RUM names it.
    pub os: &'static str,
}

/// A device and a browser that exist together.
struct Known {
    device: &'static str,
    browser: &'static str,
    user_agent: &'static str,
    os: &'static str,
}

const WINDOWS: &str = "Windows";
const MAC_OS: &str = "Mac OS";
const ANDROID: &str = "Android";
const IOS: &str = "iOS";

/// The first one stands in for what is not listed.
const KNOWN: &[Known] = &[
    Known {
        device: "desktop",
        browser: "chrome",
        user_agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        os: WINDOWS,
    },
    Known {
        device: "desktop",
        browser: "safari",
        user_agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
        os: MAC_OS,
    },
    Known {
        device: "desktop",
        browser: "firefox",
        user_agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
        os: WINDOWS,
    },
    Known {
        device: "desktop",
        browser: "edge",
        user_agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
        os: WINDOWS,
    },
    Known {
        device: "mobile",
        browser: "chrome",
        user_agent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
        os: ANDROID,
    },
    Known {
        device: "mobile",
        browser: "safari",
        user_agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
        os: IOS,
    },
    Known {
        device: "mobile",
        browser: "firefox",
        user_agent: "Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0",
        os: ANDROID,
    },
    Known {
        device: "mobile",
        browser: "edge",
        user_agent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36 EdgA/141.0.0.0",
        os: ANDROID,
    },
    Known {
        device: "tablet",
        browser: "chrome",
        user_agent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        os: ANDROID,
    },
    Known {
        device: "tablet",
        browser: "safari",
        user_agent: "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
        os: IOS,
    },
    Known {
        device: "tablet",
        browser: "firefox",
        user_agent: "Mozilla/5.0 (Android 15; Tablet; rv:143.0) Gecko/143.0 Firefox/143.0",
        os: ANDROID,
    },
    Known {
        device: "tablet",
        browser: "edge",
        user_agent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 EdgA/141.0.0.0",
        os: ANDROID,
    },
];

impl Client {
    /// The browser of this name on a device of this name, sold in the country of this ISO 3166 code.
    pub fn of(device: &str, browser: &str, country: &str) -> Self {
        let on_device = |known: &&Known| known.device == device;
        let exact = KNOWN
            .iter()
            .find(|known| known.device == device && known.browser == browser);
        let known = exact
            .or_else(|| KNOWN.iter().find(on_device))
            .unwrap_or(&KNOWN[0]);
        let country = Country::of(country);
        Self {
            device: known.device,
            browser: known.browser,
            country: country.code,
            user_agent: known.user_agent,
            accept_language: country.languages,
            viewport: match known.device {
                "mobile" => (390, 844),
                "tablet" => (820, 1_180),
                _ => (1_536, 864),
            },
            os: known.os,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_look_like_what_they_are() {
        for known in KNOWN {
            let client = Client::of(known.device, known.browser, "FR");
            assert_eq!(client.user_agent, known.user_agent);
            assert!(client.accept_language.starts_with("fr-FR"));
            assert!(client.user_agent.is_ascii());
        }
        assert!(
            Client::of("mobile", "safari", "DE")
                .user_agent
                .contains("iPhone")
        );
        assert_eq!(Client::of("mobile", "netscape", "DE").os, ANDROID);
        assert_eq!(
            Client::of("fridge", "netscape", "DE").viewport,
            (1_536, 864)
        );
    }
}
