use crate::connections;
use crate::settings::Settings;

/// The Redis that events are published to.
pub(super) async fn look(settings: &Settings) -> Option<Result<String, String>> {
    let stream = connections::stream(settings)
        .map_err(|error| format!("{error:#}"))
        .transpose()?;
    let answered = match stream {
        Ok(stream) => stream.look().await.map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    Some(match answered {
        Ok(version) => Ok(format!("Redis {version} answers")),
        Err(error) => Err(format!(
            "{error}: check events.stream_url and that Redis runs; until then events wait"
        )),
    })
}
