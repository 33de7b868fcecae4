//! "Did you mean": the known name nearest to an unknown one.

use super::schema::{self, env_name};
use super::source::Source;

/// The message for an unknown name, in the words of the layer it stands in.
pub fn unknown(name: &str, source: &Source) -> String {
    let spelled = |known: &str| match source {
        Source::Environment(_) => env_name(known),
        _ => known.to_owned(),
    };
    if schema::is_section(name) {
        return format!("is a section; allowed: {}", keys_of(name).join(", "));
    }
    if let Some(known) = nearest(name) {
        return format!("unknown setting; did you mean {}?", spelled(&known));
    }
    let section = name.rsplit_once('.').map_or("", |(section, _)| section);
    let keys = keys_of(if schema::is_section(section) {
        section
    } else {
        ""
    });
    format!("unknown setting; allowed: {}", keys.join(", "))
}

/// The names that may follow a section, or the top-level names.
fn keys_of(section: &str) -> Vec<&'static str> {
    let mut keys: Vec<&str> = Vec::new();
    for setting in schema::all() {
        let rest = match section {
            "" => Some(setting.name.as_str()),
            _ => setting
                .name
                .strip_prefix(section)
                .and_then(|rest| rest.strip_prefix('.')),
        };
        let key = rest.and_then(|rest| rest.split('.').next());
        keys.extend(key.filter(|key| !keys.contains(key)));
    }
    keys
}

/// By spelling first; else the one setting with the same last word.
fn nearest(name: &str) -> Option<String> {
    let names = schema::all().iter().flat_map(|setting| {
        let file = setting
            .kind
            .may_come_from_file()
            .then(|| format!("{}_file", setting.name));
        [Some(setting.name.clone()), file].into_iter().flatten()
    });
    let (distance, known) = names
        .map(|known| (distance(name, &known), known))
        .min_by_key(|(distance, _)| *distance)?;
    if distance <= 1 + name.len() / 6 {
        return Some(known);
    }
    let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
    let same_word = schema::all()
        .iter()
        .find(|setting| last(&setting.name) == last(name));
    same_word.map(|setting| setting.name.clone())
}

/// Levenshtein's distance, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replace = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_find_their_setting() {
        let said = |name| unknown(name, &Source::Option("--set"));
        assert!(said("server.pubic").ends_with("did you mean server.public?"));
        assert!(said("servr.public").ends_with("did you mean server.public?"));
        assert!(said("database_url").ends_with("did you mean modules.users.database_url?"));
        assert!(said("auth.secretfile").ends_with("did you mean auth.secret_file?"));
        assert!(said("server.nonsense_entirely").contains("allowed: public, private, tls_cert"));
        assert!(said("nonsense").contains("allowed: environment, data_dir, migrate"));
        assert!(said("modules.users").contains("is a section; allowed: mode, url"));
    }

    #[test]
    fn the_environment_is_answered_in_its_own_spelling() {
        let source = Source::Environment("CLEAVE__SERVER__PUBIC".to_owned());
        assert!(unknown("server.pubic", &source).ends_with("did you mean CLEAVE__SERVER__PUBLIC?"));
    }
}
