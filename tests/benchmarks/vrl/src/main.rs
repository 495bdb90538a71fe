//! The cost of the program in VRL: `weir-vrl-benchmark KEYS WARM_UP EVENTS [PAYLOADS]`.
//!
//! Decodes each line of a file as an event, runs the program on it and encodes the payloads that it gives, as
//! Vector does, in one thread. Prints how many and the process's CPU seconds for the second file, the first
//! one having gone before. With a fourth argument the payloads are written there, one JSON object an event.

use std::collections::BTreeMap;
use std::io::Write;
use std::{env, fs, process};

use bytes::Bytes;
use vrl::compiler::state::RuntimeState;
use vrl::compiler::{Context, Program, TargetValue, TimeZone, compile};
use vrl::value::{Secrets, Value};

const PROGRAM: &str = include_str!("../program.vrl");

struct Run {
    program: Program,
    keys: Value,
    time_zone: TimeZone,
    state: RuntimeState,
}

impl Run {
    fn payloads(&mut self, line: &[u8]) -> Value {
        let mut target = TargetValue {
            value: serde_json::from_slice(line).unwrap_or_else(|error| fail(&error.to_string())),
            metadata: self.keys.clone(),
            secrets: Secrets::new(),
        };
        let mut context = Context::new(&mut target, &mut self.state, &self.time_zone);
        let made = self.program.resolve(&mut context);
        self.state.clear();
        made.unwrap_or_else(|error| fail(&error.to_string()))
    }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [key_file, warm_up, events, payloads @ ..] = arguments.as_slice() else {
        fail("usage: weir-vrl-benchmark KEYS WARM_UP EVENTS [PAYLOADS]")
    };
    let compiled = compile(PROGRAM, &vrl::stdlib::all()).unwrap_or_else(|problems| {
        fail(&vrl::diagnostic::Formatter::new(PROGRAM, problems).to_string())
    });
    let mut run = Run {
        program: compiled.program,
        keys: keys(&read(key_file)),
        time_zone: TimeZone::default(),
        state: RuntimeState::default(),
    };
    let (first, second) = (read(warm_up), read(events));
    for line in lines(&first) {
        run.payloads(line);
    }
    if let [path] = payloads {
        let mut file = fs::File::create(path).unwrap_or_else(|error| fail(&error.to_string()));
        for line in lines(&second) {
            writeln!(file, "{}", encoded(&run.payloads(line)))
                .unwrap_or_else(|e| fail(&e.to_string()));
        }
    }
    let (mut count, mut outputs, mut bytes) = (0, 0, 0);
    let begun = cpu_seconds();
    for line in lines(&second) {
        let made = run.payloads(line);
        for payload in made.as_object().into_iter().flat_map(|made| made.values()) {
            bytes += encoded(payload).len();
            outputs += 1;
        }
        count += 1;
    }
    let seconds = cpu_seconds() - begun;
    println!(
        "{}",
        serde_json::json!({"events": count, "outputs": outputs, "bytes": bytes, "cpu_seconds": seconds})
    );
}

fn encoded(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| fail(&error.to_string()))
}

fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
}

/// The keys of each purpose and vendor, from hexadecimal digits.
fn keys(file: &[u8]) -> Value {
    let digits: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_slice(file).unwrap_or_else(|error| fail(&error.to_string()));
    let key = |digits: String| {
        let byte = |start| u8::from_str_radix(digits.get(start..start + 2).unwrap_or_default(), 16);
        let bytes: Result<Vec<u8>, _> = (0..digits.len()).step_by(2).map(byte).collect();
        Value::from(Bytes::from(
            bytes.unwrap_or_else(|error| fail(&error.to_string())),
        ))
    };
    let vendors = |keys: BTreeMap<String, String>| {
        Value::Object(
            keys.into_iter()
                .map(|(vendor, digits)| (vendor.into(), key(digits)))
                .collect(),
        )
    };
    Value::Object(
        digits
            .into_iter()
            .map(|(purpose, keys)| (purpose.into(), vendors(keys)))
            .collect(),
    )
}

fn read(path: &str) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| fail(&format!("{path}: {error}")))
}

/// CPU seconds of this process, all its threads.
fn cpu_seconds() -> f64 {
    // SAFETY: getrusage fills the structure that it is given, and zeroes are one.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

fn fail(message: &str) -> ! {
    eprintln!("{message}");
    process::exit(1)
}
