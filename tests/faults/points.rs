//! The named places where a process may die.

/// A fail point, and what must be armed beside it so that it is passed.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub name: &'static str,
    pub beside: &'static str,
}

const fn point(name: &'static str) -> Point {
    Point { name, beside: "" }
}

/// A hold that is over before its order is stored, also when the same order is asked for twice.
const fn late(name: &'static str) -> Point {
    Point {
        name,
        beside: "orders.held=stall:2500,orders.held=stall:2500@2,orders.held=stall:2500@3",
    }
}

pub const POINTS: &[Point] = &[
    point("products.reserved"),
    point("orders.held"),
    point("orders.stored"),
    point("orders.changed"),
    point("outbox.claimed"),
    point("products.heard"),
    point("products.affected"),
    point("products.handled"),
    point("outbox.accepted"),
    point("outbox.deleted"),
    point("orders.overdue"),
    point("users.deleted"),
    late("products.expired"),
    late("products.swept"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::process::Command;

    use super::POINTS;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn collect(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, names);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let uses = text.split("fail_point!(\"").skip(1);
                names.extend(uses.map(|rest| rest.split('"').next().unwrap().to_owned()));
            }
        }
    }

    #[test]
    fn the_table_has_all_of_them() {
        let mut found = BTreeSet::new();
        collect(&root().join("modules"), &mut found);
        collect(&root().join("src"), &mut found);
        let table = POINTS.iter().map(|point| point.name.to_owned()).collect();
        assert_eq!(found, table);
    }

    /// They are asked for by a dependency of tests only.
    #[test]
    fn what_is_shipped_has_none() {
        let tree = |edges: &str| {
            let output = Command::new(env!("CARGO"))
                .args(["tree", "--offline", "--package", "cleave", "--edges", edges])
                .current_dir(root())
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        assert!(!tree("features,normal,build").contains("fail-points"));
        assert!(tree("features,normal,build,dev").contains("fail-points"));
    }
}
