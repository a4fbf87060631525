//! One part of a form with files, as `-F` has it: `name=content`, `name=@file`, with `;type=…` and `;filename=…` behind it.

use serde_json::{Map, Value, json};

/// A part.
#[derive(Debug)]
pub(in crate::import) struct Part {
    pub(in crate::import) name: String,
    content: Content,
    kind: Option<String>,
    filename: Option<String>,
}

#[derive(Debug)]
enum Content {
    Text(String),
    File(String),
}

impl Part {
    /// A text as it stands.
    pub(super) fn text(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            content: Content::Text(text.to_owned()),
            kind: None,
            filename: None,
        }
    }

    /// What stands behind `-F`.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub(super) fn read(value: &str) -> Result<Self, String> {
        let Some((name, rest)) = value.split_once('=') else {
            return Err(format!("`-F {value}` lacks its `=`"));
        };
        let mut part = Self::text(name, "");
        let mut rest = rest;
        while let Some((before, said)) = rest.rsplit_once(';') {
            match said.trim().split_once('=') {
                Some(("type", kind)) => part.kind = Some(kind.to_owned()),
                Some(("filename", name)) => part.filename = Some(name.trim_matches('"').to_owned()),
                _ => break,
            }
            rest = before;
        }
        part.content = match rest.as_bytes().first() {
            Some(b'<') => {
                return Err(format!(
                    "`-F {name}={rest}`: a text from a file is not taken; put what it holds in its place"
                ));
            }
            Some(b'@') if rest.contains(',') || rest == "@-" => {
                return Err(format!(
                    "`-F {name}={rest}`: several files, or standard input, are not taken; write one -F for each file"
                ));
            }
            Some(b'@') => Content::File(rest[1..].trim_matches('"').to_owned()),
            _ => Content::Text(rest.to_owned()),
        };
        Ok(part)
    }

    /// The file that it is taken from.
    pub(in crate::import) fn file(&self) -> Option<&str> {
        match &self.content {
            Content::File(file) => Some(file),
            Content::Text(_) => None,
        }
    }

    /// Name and text, unless it is a file.
    pub(in crate::import) fn field(&self) -> Option<(&str, &str)> {
        match &self.content {
            Content::File(_) => None,
            Content::Text(text) => Some((&self.name, text)),
        }
    }

    /// As `multipart` has it; `value` puts variables into texts.
    pub(in crate::import) fn written(&self, value: impl Fn(&str, &str) -> String) -> Value {
        let mut fields = Map::new();
        match &self.content {
            Content::Text(text) => {
                let text = value(&self.name, text);
                if self.kind.is_none() && self.filename.is_none() {
                    return json!(text);
                }
                fields.insert("text".to_owned(), json!(text));
            }
            Content::File(file) => drop(fields.insert("file".to_owned(), json!(file))),
        }
        let said = [("content-type", &self.kind), ("filename", &self.filename)];
        for (key, text) in said {
            if let Some(text) = text {
                fields.insert(key.to_owned(), json!(text));
            }
        }
        fields.into()
    }
}
