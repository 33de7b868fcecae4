use serde_json::Value;

use super::Redis;
use crate::support::{TestDatabases, command, free_address, roomy_folder};

/// What the doctor calls each Redis, and the setting that it is from.
const EACH: [(&str, &str); 3] = [
    ("events stream", "events.stream_url"),
    ("redis", "redis.url"),
    // A module may have its own.
    ("users redis", "modules.users.redis_url"),
];

#[tokio::test]
async fn the_doctor_looks_at_each_redis() {
    let databases = TestDatabases::create().await;
    let (folder, mut redis) = (roomy_folder(), Redis::start().await);
    let file = folder.path().join("stream.url");
    std::fs::write(&file, redis.url()).unwrap();
    let url = redis.url();
    let doctor = async || {
        let mut doctor = command(folder.path(), free_address(), &["doctor", "--json"]);
        doctor.env("CLEAVE__EVENTS__STREAM_URL_FILE", &file);
        doctor.env("CLEAVE__REDIS__URL", &url);
        doctor.env("CLEAVE__MODULES__USERS__REDIS_URL", format!("{url}1"));
        let doctor = crate::process::on(&databases, doctor);
        let output = crate::process::run(doctor).await;
        let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let found = EACH.map(|(subject, _)| {
            let mut findings = findings.iter();
            findings.find(|f| f["subject"] == subject).cloned().unwrap()
        });
        (output.status.code(), found)
    };
    let (code, found) = doctor().await;
    assert_eq!(code, Some(0), "{found:?}");
    assert!(found.iter().all(|found| found["ok"] == true), "{found:?}");
    redis.kill();
    let (code, found) = doctor().await;
    assert_eq!(code, Some(1));
    for (found, (_, setting)) in found.iter().zip(EACH) {
        assert_eq!(found["ok"], false, "{found}");
        let advice = found["detail"].as_str().unwrap();
        assert!(advice.contains(&format!("check {setting}")), "{advice}");
    }
}
