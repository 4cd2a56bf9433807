//! What an ARM path addresses.
//!
//! Invariant: ids are compared in lower case and given back as they were first written.

/// A parsed path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// `/subscriptions`
    Subscriptions,
    /// `/subscriptions/{s}`
    Subscription { subscription: String },
    /// `/subscriptions/{s}/providers/{namespace}[/register]`
    Provider {
        subscription: String,
        namespace: String,
        register: bool,
    },
    /// `/subscriptions/{s}/operationresults/{id}`
    Operation { subscription: String, id: String },
    /// `/subscriptions/{s}/resourceGroups`
    Groups { subscription: String },
    /// `/subscriptions/{s}/resourceGroups/{g}`
    Group { subscription: String, name: String },
    /// `/subscriptions/{s}/resources`, or of a group.
    Resources { scope: String },
    /// One resource.
    Resource(ResourceId),
    /// All resources of a type below a scope.
    Collection {
        /// The subscription, the group, or the parent resource's id.
        scope: String,
        /// `Microsoft.X/as/bs`
        kind: String,
    },
    /// `…/providers/Microsoft.PolicyInsights/checkPolicyRestrictions`
    PolicyCheck {
        /// The subscription or the group.
        scope: String,
    },
    /// `/subscriptions/{s}/providers/{namespace}/locations/{location}/usages`
    Usages {
        subscription: String,
        namespace: String,
        location: String,
    },
    /// POST on a resource, or on a resource provider: then the resource has the provider's name for its kind.
    Action { resource: ResourceId, action: String },
}

/// A resource's id, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResourceId {
    /// The whole id, as written.
    pub(crate) id: String,
    /// What it lies in: its group, its parent resource, or for an extension the resource that it extends.
    pub(crate) scope: String,
    /// `Microsoft.X/as/bs`
    pub(crate) kind: String,
    /// The last name.
    pub(crate) name: String,
}

impl ResourceId {
    /// From a resource's own id.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        match parse(id)? {
            Address::Resource(resource) => Some(resource),
            _ => None,
        }
    }

    /// For comparison.
    pub(crate) fn lower(&self) -> String {
        self.id.to_lowercase()
    }

    /// The resource group's name; empty outside one.
    pub(crate) fn group(&self) -> &str {
        group_of(&self.id)
    }
}

/// The name of the resource group in an id; empty if there is none.
pub(crate) fn group_of(id: &str) -> &str {
    let mut segments = id.split('/').filter(|segment| !segment.is_empty());
    while let Some(segment) = segments.next() {
        if segment.eq_ignore_ascii_case("resourceGroups") {
            return segments.next().unwrap_or_default();
        }
    }
    ""
}

/// The subscription in an id; empty if there is none.
pub(crate) fn subscription_of(id: &str) -> &str {
    let mut segments = id.split('/').filter(|segment| !segment.is_empty());
    match segments.next() {
        Some(first) if first.eq_ignore_ascii_case("subscriptions") => segments.next().unwrap_or_default(),
        _ => "",
    }
}

/// Whether `id` is `scope` or below it.
pub(crate) fn is_within(id: &str, scope: &str) -> bool {
    let (id, scope) = (id.to_lowercase(), scope.trim_end_matches('/').to_lowercase());
    id.strip_prefix(&scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Reads a path.
pub(crate) fn parse(path: &str) -> Option<Address> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let is = |index: usize, word: &str| {
        segments
            .get(index)
            .is_some_and(|one| one.eq_ignore_ascii_case(word))
    };
    if !is(0, "subscriptions") {
        return None;
    }
    let Some(subscription) = segments.get(1).map(|one| (*one).to_owned()) else {
        return Some(Address::Subscriptions);
    };
    if let Some(at) = segments
        .iter()
        .rposition(|one| one.eq_ignore_ascii_case("providers"))
    {
        return of_provider(&segments, at, subscription);
    }
    let scope = format!("/{}", segments.join("/"));
    match segments.len() {
        2 => Some(Address::Subscription { subscription }),
        3 if is(2, "resources") => Some(Address::Resources {
            scope: format!("/subscriptions/{subscription}"),
        }),
        3 if is(2, "resourceGroups") => Some(Address::Groups { subscription }),
        4 if is(2, "operationresults") => Some(Address::Operation {
            subscription,
            id: (*segments.get(3)?).to_owned(),
        }),
        4 if is(2, "resourceGroups") => Some(Address::Group {
            subscription,
            name: (*segments.get(3)?).to_owned(),
        }),
        5 if is(2, "resourceGroups") && is(4, "resources") => Some(Address::Resources {
            scope: scope.rsplit_once('/').map(|(group, _)| group.to_owned())?,
        }),
        _ => None,
    }
}

/// Namespaces that tell how much of their quotas is used.
const WITH_USAGES: [&str; 3] = [
    "Microsoft.Search",
    "Microsoft.Storage",
    "Microsoft.MachineLearningServices",
];

fn of_provider(segments: &[&str], at: usize, subscription: String) -> Option<Address> {
    let tail = segments.get(at + 1..)?;
    let namespace = *tail.first()?;
    let scope = format!("/{}", segments.get(..at)?.join("/"));
    let rest = tail.get(1..)?;
    if at == 2 && (rest.is_empty() || (rest.len() == 1 && rest.first() == Some(&"register"))) {
        return Some(Address::Provider {
            subscription,
            namespace: namespace.to_owned(),
            register: !rest.is_empty(),
        });
    }
    match rest {
        [action]
            if namespace.eq_ignore_ascii_case("Microsoft.PolicyInsights")
                && action.eq_ignore_ascii_case("checkPolicyRestrictions") =>
        {
            return Some(Address::PolicyCheck { scope });
        }
        [locations, location, usages]
            if at == 2
                && locations.eq_ignore_ascii_case("locations")
                && usages.eq_ignore_ascii_case("usages")
                && WITH_USAGES.iter().any(|one| one.eq_ignore_ascii_case(namespace)) =>
        {
            return Some(Address::Usages {
                subscription,
                namespace: namespace.to_owned(),
                location: (*location).to_owned(),
            });
        }
        _ => {}
    }
    let kinds: Vec<&str> = rest.iter().step_by(2).copied().collect();
    let id = format!("/{}", segments.join("/"));
    let parent = |depth: usize| -> Option<String> {
        if depth <= 1 {
            return Some(scope.clone());
        }
        Some(format!(
            "/{}",
            segments.get(..at + 2 + 2 * (depth - 1))?.join("/")
        ))
    };
    if rest.len() % 2 == 0 {
        return Some(Address::Resource(ResourceId {
            scope: parent(kinds.len())?,
            kind: format!("{namespace}/{}", kinds.join("/")),
            name: (*rest.last()?).to_owned(),
            id,
        }));
    }
    let kind = format!("{namespace}/{}", kinds.join("/"));
    if crate::types::Type::named(&kind).is_some() {
        return Some(Address::Collection {
            scope: parent(kinds.len())?,
            kind,
        });
    }
    // A POST: the last segment is no type but what to do.
    let (id, action) = id.rsplit_once('/')?;
    let resource = match parse(id)? {
        Address::Resource(resource) => resource,
        Address::Provider {
            namespace,
            register: false,
            ..
        } => ResourceId {
            id: id.to_owned(),
            scope,
            kind: namespace,
            name: String::new(),
        },
        _ => return None,
    };
    Some(Address::Action {
        resource,
        action: action.to_owned(),
    })
}
