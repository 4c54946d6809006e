//! Rules as enum members, so that a rule without an evaluator does not compile.

/// Declares the evaluated rules of one scope: the enum, its members in catalogue order, and the way to the catalogue.
macro_rules! typed_rules {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $id:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every evaluated rule of this scope, in catalogue order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The catalogue's id.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $(Self::$variant => $id,)+
                }
            }

            /// The rule of that id, if it is of this scope.
            #[must_use]
            pub fn from_id(id: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|rule| rule.id() == id)
            }

            /// The rule's text in the catalogue.
            #[must_use]
            pub fn rule(self) -> &'static $crate::prerequisites::Rule {
                static RULES: ::std::sync::LazyLock<Vec<&'static $crate::prerequisites::Rule>> =
                    ::std::sync::LazyLock::new(|| {
                        $name::ALL
                            .iter()
                            .map(|rule| {
                                $crate::prerequisites::rule(rule.id())
                                    .expect("every typed rule is in the embedded catalogue: tested")
                            })
                            .collect()
                    });
                RULES[self as usize]
            }

            /// The rules that a path needs, in catalogue order.
            #[must_use]
            pub fn on(path: $crate::prerequisites::Path) -> &'static [Self] {
                static PATHS: ::std::sync::LazyLock<[Vec<$name>; 5]> = ::std::sync::LazyLock::new(|| {
                    $crate::prerequisites::Path::ALL.map(|path| {
                        $name::ALL.iter().copied().filter(|rule| rule.rule().is_on(path)).collect()
                    })
                });
                &PATHS[path.index()]
            }
        }
    };
}

pub(crate) use typed_rules;
