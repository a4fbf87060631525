//! Splits commands into words as a POSIX shell does, and `$'…'` as bash does.
//!
//! A variable becomes a text that stands for it; what a shell would have to run for (`$(…)`) is refused.

use std::iter::Peekable;
use std::str::Chars;

/// Commands, and the variables in them.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// Each as its words.
    pub(super) commands: Vec<Vec<String>>,
    /// Names of variables.
    pub(super) variables: Vec<String>,
}

/// What stands for a variable. It goes through URLs unchanged and is no part of a word.
pub(super) fn stand_in(name: &str) -> String {
    format!("~env.{name}~")
}

/// Splits a text.
pub(super) fn split(text: &str) -> Result<Script, Vec<String>> {
    let mut splitter = Splitter {
        rest: text.chars().peekable(),
        script: Script::default(),
        command: Vec::new(),
        word: None,
        wrong: Vec::new(),
    };
    splitter.run();
    splitter.end_command();
    match splitter.wrong.is_empty() {
        true => Ok(splitter.script),
        false => Err(splitter.wrong),
    }
}

struct Splitter<'t> {
    rest: Peekable<Chars<'t>>,
    script: Script,
    command: Vec<String>,
    /// `None` between words.
    word: Option<String>,
    wrong: Vec<String>,
}

impl Splitter<'_> {
    fn run(&mut self) {
        while let Some(c) = self.rest.next() {
            match c {
                '\n' | ';' => self.end_command(),
                '&' | '|' => self.operator(c),
                '>' | '<' => self.redirection(),
                '#' if self.word.is_none() => self.skip(|c| c == '\n'),
                c if c.is_whitespace() => self.end_word(),
                '\'' => self.single_quoted(),
                '"' => self.double_quoted(),
                '\\' => self.escaped(),
                '^' if self.rest.peek() == Some(&'"') => {
                    self.refuse(
                        "this is a command for Windows' cmd (`^\"`); copy it as cURL (bash)",
                    );
                }
                '$' => self.dollar(false),
                '`' => {
                    self.refuse(
                        "a command in backticks cannot be run here; put its result in its place",
                    );
                    self.skip(|c| c == '`');
                }
                c => self.push(c),
            }
        }
        self.end_word();
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        self.command.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.end_word();
        let command = std::mem::take(&mut self.command);
        if !command.is_empty() {
            self.script.commands.push(command);
        }
    }

    fn refuse(&mut self, reason: &str) {
        if !self.wrong.iter().any(|known| known == reason) {
            self.wrong.push(reason.to_owned());
        }
    }

    fn skip(&mut self, ends: impl Fn(char) -> bool) {
        while let Some(c) = self.rest.peek() {
            if ends(*c) {
                break;
            }
            self.rest.next();
        }
    }

    /// `&&`, `||` and `&` begin another command; what follows `|` reads the answer, and is left out.
    fn operator(&mut self, c: char) {
        let is_double = self.rest.next_if_eq(&c).is_some();
        self.end_command();
        if c == '|' && !is_double {
            self.skip(|c| c == '\n' || c == ';');
        }
    }

    /// `> file`, `2>&1`: where the answer goes.
    fn redirection(&mut self) {
        let is_number = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
        self.word = self.word.take().filter(|word| !is_number(word));
        self.end_word();
        while self.rest.next_if(|c| "<>& ".contains(*c)).is_some() {}
        self.skip(|c| c.is_whitespace() || c == ';');
    }

    fn single_quoted(&mut self) {
        self.word.get_or_insert_default();
        loop {
            match self.rest.next() {
                Some('\'') => return,
                Some(c) => self.push(c),
                None => return self.refuse("a quote (') is never closed"),
            }
        }
    }

    fn double_quoted(&mut self) {
        self.word.get_or_insert_default();
        loop {
            match self.rest.next() {
                Some('"') => return,
                Some('$') => self.dollar(true),
                Some('`') => self.refuse(
                    "a command in backticks cannot be run here; put its result in its place",
                ),
                Some('\\') => match self.rest.next() {
                    Some('\n') => {}
                    Some(c) if "$`\"\\".contains(c) => self.push(c),
                    Some(c) => {
                        self.push('\\');
                        self.push(c);
                    }
                    None => self.push('\\'),
                },
                Some(c) => self.push(c),
                None => return self.refuse("a quote (\") is never closed"),
            }
        }
    }

    /// A backslash outside of quotes; before a line break it goes on in the next line.
    fn escaped(&mut self) {
        match self.rest.next() {
            Some('\r') if self.rest.next_if_eq(&'\n').is_some() => {}
            Some('\n') | None => {}
            Some(c) => self.push(c),
        }
    }

    fn dollar(&mut self, in_quotes: bool) {
        match self.rest.peek() {
            Some('\'') if !in_quotes => {
                self.rest.next();
                self.ansi_quoted();
            }
            Some('(') => self.refuse("`$(…)` cannot be run here; put its result in its place"),
            Some('{') => {
                self.rest.next();
                let name = self.name();
                match self.rest.next() {
                    Some('}') => self.variable(&name),
                    _ => self.refuse("of variables only `$NAME` and `${NAME}` are taken"),
                }
            }
            Some(c) if c.is_ascii_alphabetic() || *c == '_' => {
                let name = self.name();
                self.variable(&name);
            }
            Some(c) if c.is_ascii_digit() || "@*#?!$".contains(*c) => {
                self.refuse("of variables only `$NAME` and `${NAME}` are taken");
            }
            _ => self.push('$'),
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self
            .rest
            .next_if(|c| c.is_ascii_alphanumeric() || *c == '_')
        {
            name.push(c);
        }
        name
    }

    fn variable(&mut self, name: &str) {
        if name.is_empty() {
            return self.refuse("of variables only `$NAME` and `${NAME}` are taken");
        }
        if !self.script.variables.iter().any(|known| known == name) {
            self.script.variables.push(name.to_owned());
        }
        self.word.get_or_insert_default().push_str(&stand_in(name));
    }

    /// `$'…'` with the escapes of C.
    fn ansi_quoted(&mut self) {
        self.word.get_or_insert_default();
        let mut bytes = Vec::new();
        loop {
            match self.rest.next() {
                Some('\'') => break,
                Some('\\') => self.c_escape(&mut bytes),
                Some(c) => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
                None => return self.refuse("a quote ($') is never closed"),
            }
        }
        match String::from_utf8(bytes) {
            Ok(text) => self.word.get_or_insert_default().push_str(&text),
            Err(_) => {
                self.refuse("bytes in `$'…'` are no UTF-8 text, which the language cannot send")
            }
        }
    }

    fn c_escape(&mut self, bytes: &mut Vec<u8>) {
        let Some(c) = self.rest.next() else {
            return;
        };
        match c {
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'a' => bytes.push(7),
            'b' => bytes.push(8),
            'e' | 'E' => bytes.push(27),
            'f' => bytes.push(12),
            'v' => bytes.push(11),
            'x' => bytes.push(self.digits(16, 2, 0) as u8),
            '0'..='7' => {
                let first = c.to_digit(8).unwrap_or(0);
                bytes.push(self.digits(8, 2, first) as u8);
            }
            'u' | 'U' => {
                let length = if c == 'u' { 4 } else { 8 };
                let code = self.digits(16, length, 0);
                match char::from_u32(self.pair(code)) {
                    Some(c) => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
                    None => self.refuse("`\\u…` in `$'…'` names no character"),
                }
            }
            c => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }

    /// The second half of a character that browsers write in two.
    fn pair(&mut self, high: u32) -> u32 {
        if !(0xD800..0xDC00).contains(&high) {
            return high;
        }
        let is_pair = self.rest.next_if_eq(&'\\').is_some() && self.rest.next_if_eq(&'u').is_some();
        let low = if is_pair { self.digits(16, 4, 0) } else { 0 };
        match (0xDC00..0xE000).contains(&low) {
            true => 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00),
            false => high,
        }
    }

    fn digits(&mut self, radix: u32, length_max: usize, first: u32) -> u32 {
        let mut number = first;
        for _ in 0..length_max {
            let Some(digit) = self.rest.peek().and_then(|c| c.to_digit(radix)) else {
                break;
            };
            self.rest.next();
            number = number.wrapping_mul(radix).wrapping_add(digit);
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    fn words(text: &str) -> Vec<Vec<String>> {
        split(text).expect("words").commands
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(
            words(
                "curl 'a b' \"c \\\"d\\\" \\n\" e\\ f \\\n  g # no\ncurl h; curl i > /dev/null 2>&1 | jq . && x"
            ),
            [
                vec!["curl", "a b", "c \"d\" \\n", "e f", "g"],
                vec!["curl", "h"],
                vec!["curl", "i"]
            ]
        );
        assert_eq!(
            words(r"$'it\'s\n\u00e9\x41\101\ud83d\ude00' ''"),
            [["it's\né\u{41}A😀", ""]]
        );
        let script = split("curl -H \"x: $TOKEN\" ${A_1}/b '$NO'").expect("words");
        assert_eq!(script.variables, ["TOKEN", "A_1"]);
        assert_eq!(
            script.commands[0][2..],
            ["x: ~env.TOKEN~", "~env.A_1~/b", "$NO"]
        );
    }

    #[test]
    fn what_only_a_shell_can_do_is_refused() {
        for text in [
            "curl $(date)",
            "curl `date`",
            "curl 'a",
            "curl \"a",
            "curl $'a",
            "curl ${A:-b}",
            "curl $1",
            "curl ^\"a^\"",
        ] {
            assert_eq!(split(text).expect_err(text).len(), 1, "{text}");
        }
    }
}
