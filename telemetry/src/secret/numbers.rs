//! Numbers that carry their own checksum: payment cards and bank accounts.

/// Digits of the longest card number.
const CARD_DIGITS_MAX: usize = 19;

/// Length of an IBAN by country: the registry of ISO 13616.
const IBAN_LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 \
    DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 \
    KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 \
    QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

/// Length of the card number that begins here, with what separates its groups.
pub(super) fn card(bytes: &[u8]) -> Option<usize> {
    let (mut digits, mut groups) = ([0; CARD_DIGITS_MAX], Vec::with_capacity(5));
    let (mut count, mut at, mut group) = (0, 0, 0);
    loop {
        match bytes.get(at) {
            Some(digit) if digit.is_ascii_digit() => {
                *digits.get_mut(count)? = digit - b'0';
                count += 1;
                group += 1;
            }
            Some(b' ' | b'-' | b'+') if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => {
                groups.push(std::mem::take(&mut group));
            }
            next => {
                groups.push(group);
                let ends = next.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
                let is_card = ends && are_groups(&groups) && is_card(&digits[..count]);
                return is_card.then_some(at);
            }
        }
        at += 1;
    }
}

/// Cards are written in one piece, or in groups as they are embossed.
fn are_groups(groups: &[usize]) -> bool {
    matches!(
        groups,
        [_] | [4, 4, 4, 1..=4] | [4, 4, 4, 4, 1..=3] | [4, 6, 4 | 5]
    )
}

/// Issuer, length and the check digit of Luhn.
fn is_card(digits: &[u8]) -> bool {
    let issued = matches!(
        (digits.len(), digits.first(), digits.get(1)),
        (13, Some(4), _)
            | (14, Some(3), Some(0 | 6 | 8 | 9))
            | (15, Some(3), Some(4 | 7))
            | (16, Some(2..=6), _)
            | (17..=19, Some(4..=6), _)
    );
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    issued && sum.is_multiple_of(10)
}

/// Length of the IBAN that begins here, with its spaces.
pub(super) fn iban(bytes: &[u8]) -> Option<usize> {
    let country = std::str::from_utf8(bytes.get(..2)?).ok()?;
    let entry = IBAN_LENGTHS
        .split(' ')
        .find(|entry| entry.starts_with(country))?;
    let length: usize = entry[2..].parse().ok()?;
    let (mut characters, mut at) = (Vec::with_capacity(length), 0);
    while characters.len() < length {
        match bytes.get(at)? {
            byte if byte.is_ascii_uppercase() || byte.is_ascii_digit() => characters.push(*byte),
            b' ' | b'-' | b'+' if characters.len().is_multiple_of(4) => {}
            _ => return None,
        }
        at += 1;
    }
    let ends = bytes
        .get(at)
        .is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (ends && remainder_97(&characters) == 1).then_some(at)
}

/// ISO 7064: the first four characters go to the end, letters count as 10 to 35.
fn remainder_97(characters: &[u8]) -> u32 {
    let turned = characters[4..].iter().chain(&characters[..4]);
    turned.fold(0, |rest, character| match character {
        digit @ b'0'..=b'9' => (rest * 10 + u32::from(digit - b'0')) % 97,
        letter => (rest * 100 + u32::from(letter - b'A') + 10) % 97,
    })
}
