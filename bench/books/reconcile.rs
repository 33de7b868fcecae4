//! A million orders, proven.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::fill::{self, Fates};
use crate::fleet::{Databases, command};

const ORDERS: i32 = 1_000_000;

pub async fn run(databases: &Databases) {
    let fates = Fates {
        reservation: "case when n % 10 < 3 then 'allocated' when n % 10 > 3 then 'closed' end",
        status: "case when n % 10 < 3 then 'paid' when n % 10 = 3 then 'cancelled' else 'delivered' end",
        told: true,
    };
    fill::orders(databases, "million", ORDERS, fates).await;
    let mut reconcile = command(databases, "reconcile");
    let start = Instant::now();
    let mut child = reconcile
        .arg("reconcile")
        .stdout(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut most = String::new();
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let peak = status.unwrap_or_default();
        if let Some(peak) = peak.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
            most = peak.trim().to_owned();
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    println!(
        "reconcile: {status}, {:.1?}, at most {most} of memory",
        start.elapsed()
    );
}
