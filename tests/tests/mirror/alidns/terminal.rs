use tests::eventually::{GENEROUS, eventually};
use tests::fakes::alidns::Plan;
use tests::suite::Test;

use super::{Scene, prepared};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => a_long_first_sync_is_a_bar_on_a_terminal_and_log_lines_stay_whole,
            without_a_terminal_there_is_no_bar;
    }
}

/// To the line's beginning, and nothing on it.
const CLEAR: &str = "\r\x1b[K";
/// 25 names that are written one by one.
const NAMES: usize = 25;

fn with_many() -> Scene {
    let scene = prepared(Plan::custom(120, 6));
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.put_many("hangzhou", NAMES, "203.0.113.1");
    scene.configure(", levels: [global], registry: compact");
    scene
}

/// What a person sees of each line once all is written.
fn screen(scene: &Scene) -> Vec<String> {
    let log = scene.fedns.process().log();
    let visible = |line: &str| line.rsplit(CLEAR).next().unwrap_or_default().trim_end().to_owned();
    log.split('\n').map(visible).collect()
}

fn a_long_first_sync_is_a_bar_on_a_terminal_and_log_lines_stay_whole() {
    let mut scene = with_many();
    scene.fedns.launch_on_terminal();
    eventually(GENEROUS, "a bar on the last line, under lines of the log", || {
        let screen = screen(&scene);
        let is_bar = |line: &String| line.starts_with("[#") && line.contains(" names, ");
        let is_written = |line: &String| line.contains("written: ");
        match screen.last().is_some_and(is_bar) && screen.iter().any(is_written) {
            true => Ok(()),
            false => Err(screen.join("\n")),
        }
    });
    scene.is_in_sync();
    // Bars have gone, lines have not, and no bar is in the middle of one.
    eventually(GENEROUS, "all of the log and nothing else", || {
        let screen = screen(&scene);
        let written = screen.iter().filter(|line| line.contains("written: create s")).count();
        let has_bar = screen.iter().any(|line| line.contains("--]") || line.contains("##"));
        match written == NAMES && !has_bar && screen.last().is_some_and(String::is_empty) {
            true => Ok(()),
            false => Err(screen.join("\n")),
        }
    });
}

fn without_a_terminal_there_is_no_bar() {
    let mut scene = with_many();
    scene.start();
    scene.is_in_sync();
    let log = scene.fedns.process().log();
    assert!(!log.contains(CLEAR) && !log.contains("[#"), "{log}");
}
