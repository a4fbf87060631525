//! PURE: colours that can be read on light and on dark terminals, and what stands for them where there are none.
//!
//! Nothing ever sets a background of its own except cells of the heat map, which are wholly covered by it.

use ratatui::style::{Color, Modifier, Style};

/// How many colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// 256 colours.
    Full,
    /// The sixteen that every terminal has, in the terminal's own shades.
    Basic,
    /// None: shades and attributes alone.
    None,
}

/// From few to many: all of them stand out from white and from black.
const HEAT_FULL: [u8; 8] = [25, 31, 37, 71, 142, 178, 208, 196];

const HEAT_BASIC: [Color; 4] = [Color::Blue, Color::Cyan, Color::Yellow, Color::Red];

const SHADES: [&str; 4] = ["░", "▒", "▓", "█"];

impl Palette {
    /// What the environment asks for.
    pub fn of_environment(get: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| get(name).is_some_and(|value| !value.is_empty());
        if set("NO_COLOR") {
            Self::None
        } else if set("COLORTERM") || get("TERM").is_some_and(|term| term.contains("256")) {
            Self::Full
        } else {
            Self::Basic
        }
    }

    /// As hoped.
    pub fn good(self) -> Style {
        self.pick(35, Color::Green, Modifier::BOLD)
    }

    /// Not as hoped.
    pub fn bad(self) -> Style {
        self.pick(160, Color::Red, Modifier::BOLD)
    }

    /// Worth a look.
    pub fn warn(self) -> Style {
        self.pick(166, Color::Yellow, Modifier::BOLD)
    }

    /// A bar or a name that should catch the eye a little.
    pub fn accent(self) -> Style {
        self.pick(31, Color::Cyan, Modifier::empty())
    }

    /// Lines, labels, hints.
    pub fn dim(self) -> Style {
        match self {
            // Dim is too faint on many light terminals; a middle grey is not.
            Self::Full => Style::new().fg(Color::Indexed(244)),
            _ => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// One line of the percentile chart, from the lowest percentile.
    pub fn series(self, index: usize) -> Style {
        const FULL: [u8; 4] = [33, 37, 172, 161];
        const BASIC: [Color; 4] = [Color::Blue, Color::Cyan, Color::Yellow, Color::Red];
        let modifier = if index == 0 {
            Modifier::BOLD
        } else {
            Modifier::empty()
        };
        self.pick(FULL[index % 4], BASIC[index % 4], modifier)
    }

    /// The colour of a heat map's cell; `level` lies in 0…1.
    pub fn heat(self, level: f64) -> Option<Color> {
        let at = |steps: usize| ((level * steps as f64) as usize).min(steps - 1);
        match self {
            Self::Full => Some(Color::Indexed(HEAT_FULL[at(HEAT_FULL.len())])),
            Self::Basic => Some(HEAT_BASIC[at(HEAT_BASIC.len())]),
            Self::None => None,
        }
    }

    /// What stands for the colour of a heat map's cell.
    pub fn shade(level: f64) -> &'static str {
        SHADES[((level * 4.0) as usize).min(3)]
    }

    fn pick(self, full: u8, basic: Color, modifier: Modifier) -> Style {
        let style = Style::new().add_modifier(modifier);
        match self {
            Self::Full => style.fg(Color::Indexed(full)),
            Self::Basic => style.fg(basic),
            Self::None => style,
        }
    }
}
