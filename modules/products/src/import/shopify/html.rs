use html2text::config;

/// Wide enough that only a table is ever cut.
const WIDTH: usize = 10_000;

/// The text of an HTML fragment: entities decoded, paragraphs and list items on lines of their
/// own; scripts, styles and the targets of links left out.
pub fn text(html: &str) -> Result<String, &'static str> {
    let text = config::plain_no_decorate()
        .no_table_borders()
        .link_footnotes(false)
        .allow_width_overflow()
        .string_from_read(html.as_bytes(), WIDTH)
        .map_err(|_| "cannot be read as HTML")?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn show() {
        for html in [
            "Plain text, with a space at the end. ",
            "two\nlines & a bare < sign",
            "<p>Classic <b>blown</b> clay &amp; pot&nbsp;&eacute;</p><p>Second</p>",
            "<ul><li>One</li><li>Two <a href='https://x.y'>link</a></li></ul>",
            "<script>alert(1)</script><style>p{}</style>Text<!-- c --><noscript>no</noscript><template>t</template>",
            "<h1>Head</h1>text<br>next<br/>last <img src=x alt='An image'><img src=y>",
            "<table><tr><td>a</td><td>b</td></tr><tr><td>c long</td><td>d</td></tr></table>",
            "<textarea>x</textarea><iframe src=z>inner</iframe><svg><title>tt</title></svg><title>title</title>",
            "<b>unclosed <i>tags",
            "<strong>Bold</strong> <em>it</em> <code>c</code> <s>strike</s><pre>a\n  b</pre><blockquote>q</blockquote>",
            "<ol><li>a<li>b</ol>a\u{200b}b<hr>after<sup>2</sup>",
            "a\0b",
        ] {
            println!("{html:?}\n   -> {:?}", text(html));
        }
    }

    #[test]
    fn hostile() {
        for (name, html) in [
            ("div", "<div>".repeat(200_000)),
            ("b", "<b>".repeat(300_000)),
            ("font", "<a><b><i><u><p>".repeat(60_000)),
            ("table", "<table><tr><td>".repeat(60_000)),
            ("ul", "<ul><li>".repeat(100_000)),
            ("blockquote", "<blockquote>a".repeat(70_000)),
            ("word", "x".repeat(1 << 20)),
            ("words", "x ".repeat(1 << 19)),
            ("cells", format!("<table><tr>{}", "<td>a</td>".repeat(80_000))),
            ("ent", "&amp;".repeat(200_000)),
            ("wide", "日".repeat(300_000)),
        ] {
            let t = std::time::Instant::now();
            let r = std::thread::Builder::new().stack_size(2<<20).spawn(move || text(&html).map(|t| t.len())).unwrap().join();
            println!("{name}: {r:?} {:?}", t.elapsed());
        }
    }
}
