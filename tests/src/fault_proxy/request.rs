//! What a request to an API server asks for, read off its method and address.

/// A request as the proxy saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// What follows the question mark, or nothing.
    pub query: String,
}

impl Request {
    /// A list of any objects, watches apart.
    pub fn is_list(&self) -> bool {
        self.method == "GET"
            && !self.is_watch()
            && self.target().is_some_and(|it| it.name.is_none())
    }

    /// A list of one kind, by its plural: `request.lists("services")`.
    pub fn lists(&self, resource: &str) -> bool {
        self.is_list() && self.concerns(resource)
    }

    pub fn is_watch(&self) -> bool {
        self.query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1"))
    }

    /// A watch of one kind, by its plural.
    pub fn watches(&self, resource: &str) -> bool {
        self.is_watch() && self.concerns(resource)
    }

    /// Any request about one kind, by its plural.
    pub fn concerns(&self, resource: &str) -> bool {
        self.target().is_some_and(|it| it.resource == resource)
    }

    fn target(&self) -> Option<Target<'_>> {
        let parts: Vec<&str> = self.path.split('/').filter(|part| !part.is_empty()).collect();
        let below_version = match parts.as_slice() {
            ["api", _version, rest @ ..] | ["apis", _, _version, rest @ ..] => rest,
            _ => return None,
        };
        match *below_version {
            ["namespaces", _, resource, ref name @ ..] | [resource, ref name @ ..] => {
                Some(Target { resource, name: name.first().copied() })
            }
            [] => None,
        }
    }
}

struct Target<'a> {
    /// The plural: `services`.
    resource: &'a str,
    /// `None` for a collection.
    name: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::Request;

    fn check(path: &str, query: &str, expect: &str) {
        let request = Request { method: "GET".into(), path: path.into(), query: query.into() };
        let target = request.target();
        let resource = target.as_ref().map_or("nothing", |it| it.resource);
        let verb = match (request.is_watch(), request.is_list()) {
            (true, _) => "watch",
            (false, true) => "list",
            (false, false) => "get",
        };
        assert_eq!(format!("{verb} {resource}"), expect, "{path}?{query}");
    }

    #[test]
    fn addresses_are_read_as_the_api_server_does() {
        check("/api/v1/services", "", "list services");
        check("/api/v1/services", "limit=500&watch=true", "watch services");
        check("/api/v1/namespaces/default/services", "limit=500", "list services");
        check("/api/v1/namespaces/default/services/web", "", "get services");
        check("/api/v1/namespaces/default/services/web/status", "", "get services");
        check("/api/v1/namespaces", "", "list namespaces");
        check("/api/v1/namespaces/default", "", "get namespaces");
        check("/api/v1/nodes/a", "", "get nodes");
        check("/apis/discovery.k8s.io/v1/endpointslices", "", "list endpointslices");
        check("/apis/discovery.k8s.io/v1", "", "get nothing");
        check("/api/v1", "", "get nothing");
        check("/readyz", "", "get nothing");
    }
}
