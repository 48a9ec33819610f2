//! Metrics of the program: where they are served, and what it adds to the server's.

use std::str::FromStr;
use std::time::SystemTime;

use chat_smol::Exposition;

use crate::listener::ListenAddr;
use crate::value::ValueError;

/// Where metrics are served: a TCP port, since collectors use no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetricsAddr(pub(crate) ListenAddr);

impl FromStr for MetricsAddr {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        ListenAddr::parse_tcp(text).map(Self).ok_or(ValueError::Form("IP:PORT, NAME:PORT or :PORT"))
    }
}

/// Returns what writes the metrics of the process, given the most memory that it takes for sessions and messages, and
/// what returns how many lines of the log were lost.
pub(crate) fn of_process(
    memory_bound: u64,
    lines_lost: impl Fn() -> usize + Send + Sync + 'static,
) -> impl Fn(&mut Exposition) + Send + Sync + 'static {
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    move |text| {
        text.gauge("chat_build_info", "What runs; always 1.").sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
        text.counter("chat_log_lines_lost_total", "Lines of the program's log that nobody read in time.")
            .sample(&[], lines_lost());
        text.gauge("chat_memory_bound_bytes", "The most memory that sessions, their input and messages can ever take.")
            .sample(&[], memory_bound);
        text.gauge("process_start_time_seconds", "When the process started, since 1970.")
            .sample(&[], format_args!("{}.{:03}", started.as_secs(), started.subsec_millis()));
        #[cfg(target_os = "linux")]
        write_usage(text);
    }
}

/// Writes what the process uses, as far as the system tells.
#[cfg(target_os = "linux")]
fn write_usage(text: &mut Exposition) {
    let Ok(stat) = procfs::process::Process::myself().and_then(|myself| myself.stat()) else { return };
    let (used, a_second) = (stat.utime + stat.stime, procfs::ticks_per_second());
    text.counter("process_cpu_seconds_total", "Processor time used, by user and system.")
        .sample(&[], format_args!("{}.{:02}", used / a_second, used % a_second * 100 / a_second));
    text.gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.")
        .sample(&[], stat.rss.saturating_mul(procfs::page_size()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::OrOff;

    #[test]
    fn metrics_are_served_on_a_tcp_port_or_not() {
        for addr in ["127.0.0.1:9100", "[::1]:0", ":9100", "box:9100"] {
            let MetricsAddr(parsed) = addr.parse().expect(addr);
            assert_eq!(parsed.to_string(), addr);
        }
        for wrong in ["", "9100", "unix:/run/metrics", "metrics=:9100", "http://box:9100", ":9100/metrics", ":-1"] {
            assert!(wrong.parse::<MetricsAddr>().is_err(), "{wrong}");
        }
        let wrong = "on".parse::<OrOff<MetricsAddr>>().map_err(|error| error.to_string());
        assert_eq!(wrong, Err("it must be IP:PORT, NAME:PORT or :PORT, or off".into()));
    }
}
