use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer,
};

const MAX_HTML: usize = 256 << 10;

/// The text of an HTML fragment: entities decoded, paragraphs and list items on lines of their
/// own; scripts, styles, comments and the targets of links left out.
///
/// `None` when there are more than 256 KiB, which no description of ours could hold.
///
/// Works on the tokens, because a tree, and what renders one, takes quadratic time on elements
/// that are nested thousands deep.
pub fn text(html: &str) -> Option<String> {
    if html.len() > MAX_HTML {
        return None;
    }
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(Sink::default(), Default::default());
    // It only pauses for scripts that are to be run; the sink has none run.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let mut out = tokenizer.sink.0.into_inner().out;
    out.truncate(out.trim_end().len());
    Some(out)
}

#[derive(Default)]
struct Sink(RefCell<Writer>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut writer = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => writer.characters(&text),
            Token::TagToken(tag) => {
                writer.tag(&tag);
                if tag.kind == TagKind::StartTag {
                    return raw(&tag.name);
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Elements whose content is not markup.
fn raw(name: &str) -> TokenSinkResult<()> {
    match name {
        "script" => TokenSinkResult::RawData(RawKind::ScriptData),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
            TokenSinkResult::RawData(RawKind::Rawtext)
        }
        "textarea" | "title" => TokenSinkResult::RawData(RawKind::Rcdata),
        _ => TokenSinkResult::Continue,
    }
}

fn is_hidden(name: &str) -> bool {
    matches!(
        name,
        "script" | "style" | "iframe" | "noembed" | "noframes" | "title" | "template" | "svg"
    )
}

/// What stands between two pieces of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Line,
    Paragraph,
}

/// The least gap before and after an element.
fn gap(name: &str) -> Gap {
    match name {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "table"
        | "blockquote" | "pre" | "hr" | "figure" => Gap::Paragraph,
        "br" | "div" | "li" | "tr" | "dt" | "dd" | "section" | "article" | "header" | "footer"
        | "main" | "aside" | "nav" | "address" | "caption" | "figcaption" | "details"
        | "summary" | "form" | "fieldset" | "option" => Gap::Line,
        "td" | "th" => Gap::Space,
        _ => Gap::None,
    }
}

#[derive(Debug, Default)]
struct Writer {
    out: String,
    gap: Gap,
    /// The text to come is the first of a list item.
    bullet: bool,
    preformatted: bool,
    hidden_within: Option<String>,
}

impl Writer {
    fn tag(&mut self, tag: &Tag) {
        let name = &*tag.name;
        let starts = tag.kind == TagKind::StartTag;
        if let Some(hider) = &self.hidden_within {
            if !starts && hider == name {
                self.hidden_within = None;
            }
            return;
        }
        if starts && is_hidden(name) && !tag.self_closing {
            self.hidden_within = Some(name.to_owned());
            return;
        }
        let gap = match gap(name) {
            Gap::Paragraph if self.bullet => Gap::Line,
            gap => gap,
        };
        self.gap = self.gap.max(gap);
        match name {
            "li" => self.bullet = starts,
            "pre" => self.preformatted = starts,
            _ => {}
        }
    }

    fn characters(&mut self, text: &str) {
        if self.hidden_within.is_some() {
            return;
        }
        for c in text.chars() {
            if c == '\n' && self.preformatted {
                self.gap = self.gap.max(Gap::Line);
            } else if c.is_whitespace() && !(self.preformatted && self.gap < Gap::Line) {
                self.gap = self.gap.max(Gap::Space);
            } else {
                self.fill_gap();
                self.out.push(c);
            }
        }
    }

    fn fill_gap(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        if !self.out.is_empty() {
            self.out.push_str(match gap {
                Gap::None => "",
                Gap::Space => " ",
                Gap::Line => "\n",
                Gap::Paragraph => "\n\n",
            });
        }
        if std::mem::take(&mut self.bullet) {
            self.out.push_str("- ");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_words_and_the_lines() {
        for (html, wanted) in [
            ("Plain text. ", "Plain text."),
            ("two\r\n lines & a bare < sign", "two lines & a bare < sign"),
            (
                "<p>Classic <b>blown</b>&nbsp;pot &amp; caf&eacute; &#8364;5</p>\n<p>Second</p>",
                "Classic blown pot & café €5\n\nSecond",
            ),
            (
                "Has:<ul>\n<li>One</li>\n<li> <p>Two</p> <a href='https://x.y'>link</a></li><li></li></ul>End",
                "Has:\n\n- One\n- Two\n\nlink\n\nEnd",
            ),
            ("<h1>Head</h1>a<br>b<br/>c<img alt='x'>", "Head\n\na\nb\nc"),
            (
                "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
                "a b\nc",
            ),
            ("<b>unclosed <i>tags", "unclosed tags"),
            ("<pre>a\n  b</pre>c", "a\nb\n\nc"),
            ("", ""),
            ("<p>&nbsp;</p><div></div>", ""),
        ] {
            assert_eq!(text(html).unwrap(), wanted, "{html}");
        }
    }

    #[test]
    fn leaves_out_what_nobody_reads() {
        for html in [
            "<script>if (a < b) { alert('</p>') }</script>Text",
            "<style>p { color: red }</style><!-- no -->Text",
            "<SCRIPT src=x></SCRIPT >Text<template><p>no</p></template>",
            "<svg><title>no</title></svg><svg/>Text<iframe>no</iframe>",
            "<title>no</title>Te\0xt<script>no",
            "<!doctype html><a title='no' onclick=\"no()\">Text</a>",
        ] {
            assert_eq!(text(html).unwrap(), "Text", "{html}");
        }
    }

    #[test]
    fn does_not_grow_slow_on_hostile_input() {
        let pieces = [
            "<div>",
            "<blockquote>a",
            "<ul><li>",
            "</p>",
            "<a a=",
            "<!--",
            "&amp;",
            "<",
            "&",
            "<script>",
            "<a b c",
        ];
        for piece in pieces {
            let html = piece.repeat(MAX_HTML / piece.len());
            let start = std::time::Instant::now();
            assert!(text(&html).is_some());
            assert!(start.elapsed().as_secs() < 10, "{piece}");
        }
        assert_eq!(text(&"x".repeat(MAX_HTML + 1)), None);
    }
}
