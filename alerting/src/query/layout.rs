//! Tokens to text. The tree decides which tokens there are; a layout remembered from parsing supplies how each one was
//! spelled and spaced. A token that the tree changed since is printed plainly, its neighbours stay as they were.

use super::lex::Token;

/// The tokens of a tree in their plainest spelling.
#[derive(Debug, Default)]
pub(super) struct Pieces(Vec<Piece>);

#[derive(Debug)]
struct Piece {
    text: String,
    spaced: bool,
}

impl Pieces {
    pub(super) fn push(&mut self, text: impl Into<String>) {
        self.0.push(Piece {
            text: text.into(),
            spaced: false,
        });
    }

    pub(super) fn spaced(&mut self, text: impl Into<String>) {
        self.0.push(Piece {
            text: text.into(),
            spaced: true,
        });
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Puts a space in front of the piece at an index.
    pub(super) fn space_at(&mut self, index: usize) {
        if let Some(piece) = self.0.get_mut(index) {
            piece.spaced = true;
        }
    }

    /// A list with commas in parentheses.
    pub(super) fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.push("(");
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(",");
            }
            each(self, item);
        }
        self.push(")");
    }

    pub(super) fn canonical(&self) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            if piece.spaced {
                text.push(' ');
            }
            text.push_str(&piece.text);
        }
        text.trim_start().to_owned()
    }
}

/// How a text was written, token by token.
#[derive(Debug, Clone)]
pub(super) struct Layout(Vec<Spelling>);

#[derive(Debug, Clone)]
struct Spelling {
    plain: String,
    space: String,
    written: String,
}

impl Layout {
    /// Pairs what the tree prints with what was read; the last token is the end of the text.
    pub(super) fn new(pieces: &Pieces, tokens: Vec<Token>) -> Self {
        let plain = pieces
            .0
            .iter()
            .map(|piece| piece.text.clone())
            .chain([String::new()]);
        let spellings = tokens
            .into_iter()
            .zip(plain)
            .map(|(token, plain)| Spelling {
                plain,
                space: token.space,
                written: token.text,
            });
        Self(spellings.collect())
    }

    pub(super) fn print(&self, pieces: &Pieces) -> String {
        // A tree that was changed in shape has lost its layout.
        if pieces.0.len() + 1 != self.0.len() {
            return pieces.canonical();
        }
        let mut text = String::new();
        for (piece, spelling) in pieces.0.iter().zip(&self.0) {
            text.push_str(&spelling.space);
            text.push_str(if piece.text == spelling.plain {
                &spelling.written
            } else {
                &piece.text
            });
        }
        if let Some(end) = self.0.last() {
            text.push_str(&end.space);
        }
        text
    }
}
