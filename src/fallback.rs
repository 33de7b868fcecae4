//! What answers when no route does: 405 with `Allow` for a known path, else 404.

use actix_web::http::{StatusCode, header};
use platform::Problem;
use utoipa::openapi::{OpenApi, PathItem};

/// The documented paths and their methods; the document is made from the routes.
#[derive(Clone)]
pub struct KnownPaths {
    paths: Vec<(Vec<Segment>, Methods)>,
    /// Paths that another one would match with its parameter.
    names: Vec<(String, Methods)>,
}

type Methods = Vec<&'static str>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter,
}

impl KnownPaths {
    pub fn of(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter();
        Self::new(paths.map(|(path, item)| (path.as_str(), methods(item))))
    }

    fn new<'a>(paths: impl Iterator<Item = (&'a str, Methods)>) -> Self {
        let paths: Vec<_> = paths.collect();
        let known: Vec<_> = paths
            .iter()
            .map(|(path, methods)| (segments(path), methods.clone()))
            .collect();
        let is_a_name = |path: &str| {
            let asked: Vec<&str> = path.split('/').collect();
            !path.contains('{')
                && known
                    .iter()
                    .filter(|(other, _)| matches(other, &asked))
                    .count()
                    > 1
        };
        let names = paths.iter().filter(|(path, _)| is_a_name(path));
        let names = names.map(|(path, methods)| ((*path).to_owned(), methods.clone()));
        Self {
            names: names.collect(),
            paths: known,
        }
    }

    /// Adds paths that answer GET and are not documented.
    pub fn and_read_only(mut self, paths: &[&str]) -> Self {
        let read_only = paths
            .iter()
            .map(|path| (segments(path), vec!["GET", "HEAD"]));
        self.paths.extend(read_only);
        self
    }

    /// Leaves out documented paths that this listener does not serve.
    pub fn without(mut self, paths: &[&str]) -> Self {
        let absent: Vec<_> = paths.iter().map(|path| segments(path)).collect();
        self.paths.retain(|(path, _)| !absent.contains(path));
        self
    }

    /// Adds what operators and peers find on the private listener.
    pub fn and_private(mut self) -> Self {
        let private = [
            ("/ops/topology", vec!["GET", "HEAD"]),
            ("/ops/modules/{name}", vec!["PUT"]),
            ("/ops/databases", vec!["GET", "HEAD"]),
            ("/ops/reconcile", vec!["POST"]),
            ("/ops/events", vec!["GET", "HEAD"]),
            ("/ops/events/{module}/parked", vec!["GET", "HEAD"]),
            ("/ops/events/{module}/parked/replay", vec!["POST"]),
            ("/ops/events/{module}/parked/{id}/replay", vec!["POST"]),
            ("/metrics", vec!["GET", "HEAD"]),
            ("/console", vec!["GET", "HEAD"]),
            ("/console/", vec!["GET", "HEAD"]),
            ("/console/{file}", vec!["GET", "HEAD"]),
        ];
        let private = private.map(|(path, methods)| (segments(path), methods));
        self.paths.extend(private);
        self
    }

    /// Always an error, for the edge to render.
    pub fn refuse(&self, path: &str) -> Problem {
        match self.allowed_at(path) {
            Some(allowed) => Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                format!("This path answers {allowed}."),
            )
            .with_header(header::ALLOW, allowed),
            None => unknown_route(),
        }
    }

    /// What is named like this but answers other methods, for a request that a route with a
    /// parameter would take instead: `GET /products/import` is none of `/products/{id}`.
    pub fn refuse_by_name(&self, method: &str, path: &str) -> Option<Problem> {
        let named = self.names.iter().find(|(name, _)| name == path);
        let refused = named.is_some_and(|(_, methods)| !methods.contains(&method));
        refused.then(|| self.refuse(path))
    }

    fn allowed_at(&self, path: &str) -> Option<String> {
        let asked: Vec<&str> = path.split('/').collect();
        let matching = self
            .paths
            .iter()
            .filter(|(known, _)| matches(known, &asked));
        // A path may be known twice, by its name and as a parameter: the name counts.
        let parameters =
            |known: &[Segment]| known.iter().filter(|s| **s == Segment::Parameter).count();
        let (_, methods) = matching.min_by_key(|(known, _)| parameters(known))?;
        Some(methods.join(", "))
    }
}

pub fn unknown_route() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_route",
        "Nothing is served at this path.",
    )
}

fn segments(path: &str) -> Vec<Segment> {
    path.split('/')
        .map(|segment| match segment.starts_with('{') {
            true => Segment::Parameter,
            false => Segment::Literal(segment.to_owned()),
        })
        .collect()
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    let methods = [
        ("GET", item.get.is_some()),
        // Whatever answers GET answers HEAD.
        ("HEAD", item.get.is_some()),
        ("POST", item.post.is_some()),
        ("PUT", item.put.is_some()),
        ("PATCH", item.patch.is_some()),
        ("DELETE", item.delete.is_some()),
    ];
    let served = methods.into_iter().filter(|(_, served)| *served);
    served.map(|(method, _)| method).collect()
}

fn matches(known: &[Segment], asked: &[&str]) -> bool {
    known.len() == asked.len()
        && known.iter().zip(asked).all(|(known, asked)| match known {
            Segment::Literal(literal) => literal == asked,
            Segment::Parameter => !asked.is_empty(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_an_unknown_path_from_a_wrong_method() {
        let paths = [
            ("/orders", vec!["GET", "HEAD", "POST"]),
            ("/orders/{id}", vec!["GET", "HEAD"]),
            ("/orders/import", vec!["POST"]),
        ];
        let known = KnownPaths::new(paths.into_iter());
        assert_eq!(
            known.allowed_at("/orders").as_deref(),
            Some("GET, HEAD, POST")
        );
        assert_eq!(known.allowed_at("/orders/7").as_deref(), Some("GET, HEAD"));
        assert_eq!(known.allowed_at("/orders/import").as_deref(), Some("POST"));
        let refusal = known.refuse_by_name("GET", "/orders/import");
        assert_eq!(refusal.unwrap().status(), 405);
        assert!(known.refuse_by_name("POST", "/orders/import").is_none());
        assert!(known.refuse_by_name("PUT", "/orders/7").is_none());
        assert!(known.refuse_by_name("PUT", "/orders").is_none());
        assert_eq!(known.allowed_at("/orders/"), None);
        assert_eq!(known.allowed_at("/orders/7/x"), None);
    }
}
