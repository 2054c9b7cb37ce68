//! The list of all tests and the run over it.
//!
//! Rust's own test runner cannot decide at run time to leave a test out. This one can, and says at
//! the end, in plain text, which tests it left out and why.

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::etcd::Etcd;
use crate::images;
use crate::need::Need;

/// One test: a plain function that panics when something is wrong.
pub struct Test {
    pub name: String,
    pub needs: &'static [Need],
    pub run: fn(),
}

impl Test {
    /// `module` comes from `module_path!()`; its first part names the test binary and says nothing.
    pub fn new(module: &str, name: &str, needs: &'static [Need], run: fn()) -> Self {
        let subject = module.split_once("::").map_or("", |(_, rest)| rest);
        Self { name: format!("{subject}::{name}"), needs, run }
    }

    fn missing(&self) -> Option<String> {
        let missing: Vec<String> = self.needs.iter().filter_map(|need| need.missing()).collect();
        (!missing.is_empty()).then(|| missing.join("; "))
    }
}

/// Lists a module's tests, grouped by what they need: `tests! { [Need::Kubernetes] => one, two; }`.
#[macro_export]
macro_rules! tests {
    ($([$($need:expr),*] => $($test:ident),+;)+) => {{
        let mut tests = Vec::new();
        $({
            const NEEDS: &[$crate::need::Need] = &[$($need),*];
            $(tests.push($crate::suite::Test::new(module_path!(), stringify!($test), NEEDS, $test));)+
        })+
        tests
    }};
}

/// Runs what the command line selects, in the manner of `cargo test`.
pub fn run(tests: Vec<Test>) -> ExitCode {
    let arguments = Arguments::from_args();
    let nothing_may_be_missing = env::var_os("FEDNS_TEST_REQUIRE_ALL").is_some_and(|it| it == "1");
    let mut left_out = BTreeMap::<String, Vec<String>>::new();
    let mut trials = Vec::new();
    for test in tests {
        let missing = test.missing();
        if let Some(reason) = missing.as_ref().filter(|_| !nothing_may_be_missing) {
            left_out.entry(reason.clone()).or_default().push(test.name.clone());
        }
        trials.push(trial(test, missing, nothing_may_be_missing));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    Etcd::stop_shared();
    images::remove_all();
    if !arguments.list && !arguments.ignored && !arguments.include_ignored {
        tell(&left_out, arguments.filter.as_deref().unwrap_or_default());
    }
    conclusion.exit_code()
}

/// A test whose need is missing is `ignored`; when asked for all the same, it fails and says why.
fn trial(test: Test, missing: Option<String>, nothing_may_be_missing: bool) -> Trial {
    let ignored = missing.is_some() && !nothing_may_be_missing;
    let Test { name, run, .. } = test;
    let runner = move || match missing {
        Some(reason) => Err(reason.into()),
        None => {
            run();
            Ok(())
        }
    };
    Trial::test(name, runner).with_ignored_flag(ignored)
}

fn tell(left_out: &BTreeMap<String, Vec<String>>, filter: &str) {
    for (reason, names) in left_out {
        let selected: Vec<_> = names.iter().filter(|name| name.contains(filter)).collect();
        if !selected.is_empty() {
            println!("left out {}: {reason}", selected.len());
        }
        for name in selected {
            println!("    {name}");
        }
    }
}
