use serde_json::Value;

use super::Redis;
use crate::support::{TestDatabases, command, free_address, roomy_folder};

#[tokio::test]
async fn the_doctor_looks_at_the_stream() {
    let databases = TestDatabases::create().await;
    let (folder, mut redis) = (roomy_folder(), Redis::start().await);
    let file = folder.path().join("stream.url");
    std::fs::write(&file, redis.url()).unwrap();
    let doctor = async || {
        let mut doctor = command(folder.path(), free_address(), &["doctor", "--json"]);
        doctor.env("CLEAVE__EVENTS__STREAM_URL_FILE", &file);
        let doctor = crate::process::on(&databases, doctor);
        let output = crate::process::run(doctor).await;
        let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let found = findings
            .into_iter()
            .find(|f| f["subject"] == "events stream");
        (output.status.code(), found.unwrap())
    };
    let (code, found) = doctor().await;
    assert_eq!(
        (code, &found["ok"]),
        (Some(0), &Value::Bool(true)),
        "{found}"
    );
    redis.kill();
    let (code, found) = doctor().await;
    assert_eq!((code, &found["ok"]), (Some(1), &Value::Bool(false)));
    let advice = found["detail"].as_str().unwrap();
    assert!(advice.contains("events.stream_url"), "{advice}");
}
