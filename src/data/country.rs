//! Where shoppers live: language, cities, the look of a postal code and a telephone number.

use fake::locales::{DE_DE, Data, EN, FR_FR, IT_IT, NL_NL, PT_BR, PT_PT};

/// What differs from country to country.
#[derive(Debug)]
pub(super) struct Country {
    pub(super) code: &'static str,
    /// `Accept-Language` as a browser sold there sends it.
    pub(super) languages: &'static str,
    pub(super) first_names: &'static [&'static str],
    pub(super) last_names: &'static [&'static str],
    pub(super) cities: &'static [&'static str],
    pub(super) streets: &'static [&'static str],
    /// `#` stands for a digit, `?` for an upper-case letter.
    pub(super) postcode: &'static str,
    pub(super) phone: &'static str,
}

const ENGLISH_STREETS: &[&str] = &[
    "High Street",
    "Station Road",
    "Church Lane",
    "Mill Lane",
    "Victoria Road",
    "Park Avenue",
    "Oak Street",
];
const GERMAN_STREETS: &[&str] = &[
    "Hauptstraße",
    "Bahnhofstraße",
    "Gartenweg",
    "Lindenallee",
    "Schulstraße",
    "Am Markt",
    "Bergstraße",
];
const FRENCH_STREETS: &[&str] = &[
    "rue de la Paix",
    "rue Victor Hugo",
    "avenue de la Gare",
    "rue des Lilas",
    "boulevard Voltaire",
    "place du Marché",
];

/// The first one stands in for countries that are not listed.
const COUNTRIES: &[Country] = &[
    Country {
        code: "US",
        languages: "en-US,en;q=0.9",
        first_names: EN::NAME_FIRST_NAME,
        last_names: EN::NAME_LAST_NAME,
        cities: &[
            "Portland", "Austin", "Chicago", "Boston", "Denver", "Seattle", "Madison", "Atlanta",
        ],
        streets: ENGLISH_STREETS,
        postcode: "#####",
        phone: "+1 202 555 01##",
    },
    Country {
        code: "GB",
        languages: "en-GB,en;q=0.9",
        first_names: EN::NAME_FIRST_NAME,
        last_names: EN::NAME_LAST_NAME,
        cities: &[
            "London",
            "Leeds",
            "Bristol",
            "Glasgow",
            "Cardiff",
            "York",
            "Norwich",
            "Sheffield",
        ],
        streets: ENGLISH_STREETS,
        postcode: "?## #??",
        phone: "+44 20 7946 0###",
    },
    Country {
        code: "IE",
        languages: "en-IE,en;q=0.9",
        first_names: EN::NAME_FIRST_NAME,
        last_names: EN::NAME_LAST_NAME,
        cities: &["Dublin", "Cork", "Galway", "Limerick", "Sligo"],
        streets: ENGLISH_STREETS,
        postcode: "?## ??##",
        phone: "+353 20 91# ####",
    },
    Country {
        code: "DE",
        languages: "de-DE,de;q=0.9,en;q=0.8",
        first_names: DE_DE::NAME_FIRST_NAME,
        last_names: DE_DE::NAME_LAST_NAME,
        cities: &[
            "Berlin", "Hamburg", "München", "Köln", "Leipzig", "Görlitz", "Freiburg", "Münster",
        ],
        streets: GERMAN_STREETS,
        postcode: "#####",
        phone: "+49 30 23125 ###",
    },
    Country {
        code: "AT",
        languages: "de-AT,de;q=0.9,en;q=0.8",
        first_names: DE_DE::NAME_FIRST_NAME,
        last_names: DE_DE::NAME_LAST_NAME,
        cities: &["Wien", "Graz", "Linz", "Salzburg", "Innsbruck"],
        streets: GERMAN_STREETS,
        postcode: "####",
        phone: "+43 1 5550####",
    },
    Country {
        code: "CH",
        languages: "de-CH,de;q=0.9,fr;q=0.8,en;q=0.7",
        first_names: DE_DE::NAME_FIRST_NAME,
        last_names: DE_DE::NAME_LAST_NAME,
        cities: &["Zürich", "Basel", "Bern", "Luzern", "Genève"],
        streets: GERMAN_STREETS,
        postcode: "####",
        phone: "+41 44 555 ## ##",
    },
    Country {
        code: "FR",
        languages: "fr-FR,fr;q=0.9,en;q=0.8",
        first_names: FR_FR::NAME_FIRST_NAME,
        last_names: FR_FR::NAME_LAST_NAME,
        cities: &[
            "Paris",
            "Lyon",
            "Nantes",
            "Lille",
            "Toulouse",
            "Orléans",
            "Besançon",
            "Nîmes",
        ],
        streets: FRENCH_STREETS,
        postcode: "#####",
        phone: "+33 1 99 00 ## ##",
    },
    Country {
        code: "IT",
        languages: "it-IT,it;q=0.9,en;q=0.8",
        first_names: IT_IT::NAME_FIRST_NAME,
        last_names: IT_IT::NAME_LAST_NAME,
        cities: &["Roma", "Milano", "Torino", "Bologna", "Forlì", "Napoli"],
        streets: &[
            "Via Roma",
            "Via Garibaldi",
            "Corso Italia",
            "Via Dante",
            "Piazza del Duomo",
        ],
        postcode: "#####",
        phone: "+39 06 555 ####",
    },
    Country {
        code: "ES",
        languages: "es-ES,es;q=0.9,en;q=0.8",
        // The names there are resemble these closely enough for a test shopper.
        first_names: PT_PT::NAME_FIRST_NAME,
        last_names: PT_PT::NAME_LAST_NAME,
        cities: &["Madrid", "Sevilla", "Málaga", "Zaragoza", "A Coruña"],
        streets: &[
            "Calle Mayor",
            "Calle Real",
            "Avenida de la Constitución",
            "Plaza de España",
        ],
        postcode: "#####",
        phone: "+34 91 555 ## ##",
    },
    Country {
        code: "PT",
        languages: "pt-PT,pt;q=0.9,en;q=0.8",
        first_names: PT_PT::NAME_FIRST_NAME,
        last_names: PT_PT::NAME_LAST_NAME,
        cities: &["Lisboa", "Porto", "Évora", "Braga", "Setúbal"],
        streets: &[
            "Rua Direita",
            "Rua da Igreja",
            "Avenida da Liberdade",
            "Largo do Carmo",
        ],
        postcode: "####-###",
        phone: "+351 21 555 ####",
    },
    Country {
        code: "BR",
        languages: "pt-BR,pt;q=0.9,en;q=0.8",
        first_names: PT_BR::NAME_FIRST_NAME,
        last_names: PT_BR::NAME_LAST_NAME,
        cities: &["São Paulo", "Recife", "Belém", "Curitiba", "Goiânia"],
        streets: &[
            "Rua das Flores",
            "Avenida Brasil",
            "Rua Sete de Setembro",
            "Praça da Sé",
        ],
        postcode: "#####-###",
        phone: "+55 11 5555-####",
    },
    Country {
        code: "NL",
        languages: "nl-NL,nl;q=0.9,en;q=0.8",
        first_names: NL_NL::NAME_FIRST_NAME,
        last_names: NL_NL::NAME_LAST_NAME,
        cities: &["Amsterdam", "Utrecht", "Groningen", "Delft", "Maastricht"],
        streets: &[
            "Dorpsstraat",
            "Kerkstraat",
            "Molenweg",
            "Stationsweg",
            "Prinsengracht",
        ],
        postcode: "#### ??",
        phone: "+31 20 555 ####",
    },
];

impl Country {
    /// The country of this ISO 3166 code, or the one that stands in for it.
    pub(super) fn of(code: &str) -> &'static Self {
        let same = |country: &&Self| country.code.eq_ignore_ascii_case(code);
        COUNTRIES.iter().find(same).unwrap_or(&COUNTRIES[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_is_complete() {
        for country in COUNTRIES {
            let tables = [
                country.first_names,
                country.last_names,
                country.cities,
                country.streets,
            ];
            assert!(
                tables.iter().all(|table| table.len() > 3),
                "{}",
                country.code
            );
            assert_eq!(Country::of(country.code).code, country.code);
        }
        assert_eq!(
            (Country::of("de").code, Country::of("XX").code),
            ("DE", "US")
        );
    }
}
