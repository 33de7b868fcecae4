//! The README's tour, run as it is written.

use crate::shop::{Shop, shell_blocks};

#[test]
fn the_tour_runs_as_written() {
    let shop = Shop::serve(env!("CARGO_BIN_EXE_cleave"));
    let readme = include_str!("../../README.md");
    let stdout = shop.run(&shell_blocks(readme, "A tour"));

    for expected in [
        r#""imported":5,"updated":0,"rejected":[]"#,
        r#""status":"placed""#,
        r#""total":{"amount":3300,"currency":"EUR"}"#,
        r#""stock":{"on_hand":40,"reserved":2,"available":38}"#,
        r#""status":"cancelled""#,
        r#""stock":{"on_hand":40,"reserved":0,"available":40}"#,
        r#""alt":"A blue mug""#,
        r#""glaze":"matt""#,
        r#""changes":[]"#,
        "event: order.delivered",
        "MUG-BLUE,",
        r#""stock":{"on_hand":37,"reserved":0,"available":37}"#,
    ] {
        assert!(stdout.contains(expected), "no {expected} in\n{stdout}");
    }
}
