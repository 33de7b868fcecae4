//! Which modules this process hosts, and whether that can work.

use super::module::Module;
use super::schema::env_name;
use super::source::{Problems, Source};
use super::value::Value;
use super::values::Values;

/// `--only` decides every mode; without it, a module that was not built in and of which nobody
/// spoke is taken from its url, where there is one.
pub fn place(values: &mut Values, only: &[Module], built: &[Module], problems: &mut Problems) {
    for module in Module::ALL {
        let name = module.setting("mode");
        let elsewhere = match values.value(&module.setting("url")) {
            Value::None => "off",
            _ => "remote",
        };
        let mode = |text: &str| Value::Text(text.to_owned());
        if !only.is_empty() {
            let chosen = if only.contains(&module) {
                "local"
            } else {
                elsewhere
            };
            values.set(&name, mode(chosen), Source::Only(only.to_vec()));
        } else if values.source(&name) == Some(&Source::Default) && !built.contains(&module) {
            values.set(&name, mode(elsewhere), Source::NotBuilt);
        }
        if values.value(&name).is_text("local") && !built.contains(&module) {
            let message = format!(
                "this program was built without {module} and cannot host it; use one with the \
                 Cargo feature {module}, or set {} ({}), or turn it off",
                module.setting("url"),
                env_name(&module.setting("url"))
            );
            problems.add_rule(&name, values.source(&name), message);
        }
    }
}

/// What serving needs: an address for every remote module, and for every hosted module the
/// modules it cannot do without.
pub fn check_hosting(values: &Values, problems: &mut Problems) {
    let mode = |module: Module| values.value(&module.setting("mode"));
    for module in Module::ALL {
        let url = module.setting("url");
        if mode(module).is_text("remote") && values.value(&url).is_none() {
            let message = format!(
                "missing; modules.{module}.mode = remote needs it ({})",
                env_name(&url)
            );
            problems.add_rule(&url, None, message);
        }
        if !mode(module).is_text("local") {
            continue;
        }
        for needed in module.needs().iter().filter(|m| mode(**m).is_text("off")) {
            report_absent(module, *needed, values, problems);
        }
    }
}

fn report_absent(module: Module, needed: Module, values: &Values, problems: &mut Problems) {
    let (url, mode) = (needed.setting("url"), needed.setting("mode"));
    // Where nobody chose the mode, the url decides it.
    let chosen = !matches!(
        values.source(&mode),
        Some(Source::Only(_) | Source::NotBuilt)
    );
    let unknown = values.value(&url).is_none();
    let message = match (chosen, unknown) {
        (false, _) => format!(
            "{module} needs {needed}: set {url} ({}) or host it",
            env_name(&url)
        ),
        (true, true) => format!(
            "{module} needs {needed}: set {mode} to remote and {url} ({}), or to local",
            env_name(&url)
        ),
        (true, false) => format!("{module} needs {needed}: set {mode} to remote or local"),
    };
    let (subject, source) = match chosen {
        true => (&mode, values.source(&mode)),
        false => (&url, None),
    };
    problems.add_rule(subject, source, message);
}
