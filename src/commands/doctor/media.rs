use crate::media::Media;
use crate::settings::{Module, Settings};

/// Where pictures go, when products is hosted.
pub(super) async fn look(settings: &Settings) -> Option<Result<String, String>> {
    if !settings.hosted().any(|module| module == Module::Products) {
        return None;
    }
    let place = match &settings.media.url {
        Some(_) => "the place that media.url names".to_owned(),
        None => settings.media_dir().display().to_string(),
    };
    let tried = match Media::open(settings) {
        Ok(media) => media?.try_out().await,
        Err(error) => Err(format!("{error:#}")),
    };
    Some(match tried {
        Ok(()) => Ok(format!("{place} takes pictures and gives them back")),
        Err(error) => Err(format!(
            "{place}: {error}: check media.url, its keys and rights; until then there are no pictures"
        )),
    })
}
