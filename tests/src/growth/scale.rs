//! Logarithmic axes.

/// The positions of numbers on a logarithmic axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Scale {
    /// Puts the number `from` at `start` and `to` at `end`.
    pub(super) fn new((from, to): (f64, f64), (start, end): (f64, f64)) -> Self {
        debug_assert!(0.0 < from && from < to);
        Self { from, to, start, end }
    }

    /// Returns the position of a number.
    pub(super) fn position(self, number: f64) -> f64 {
        let share = (number / self.from).ln() / (self.to / self.from).ln();
        self.start + share * (self.end - self.start)
    }

    /// Returns the powers of `base` on the axis.
    pub(super) fn ticks(self, base: f64) -> impl Iterator<Item = f64> {
        // Slightly wider, so that rounding loses neither end.
        let first = (self.from * 0.999).log(base).ceil() as i32;
        (first..).map(move |power| base.powi(power)).take_while(move |tick| *tick <= self.to * 1.001)
    }
}

/// Returns the powers of ten that enclose all the numbers.
pub(super) fn decades(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) = numbers.fold((f64::INFINITY, 0_f64), |(least, most), n| (least.min(n), most.max(n)));
    let from = 10_f64.powf(least.log10().floor());
    (from, 10_f64.powf(most.log10().ceil()).max(from * 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(range: (f64, f64), base: f64) -> Vec<String> {
        Scale::new(range, (0.0, 1.0)).ticks(base).map(|tick| format!("{tick:.0}")).collect()
    }

    #[test]
    fn steps_are_even() {
        let scale = Scale::new((10.0, 1_000.0), (100.0, 300.0));
        let positions = [10.0, 100.0, 1_000.0].map(|number| scale.position(number).round() as i32);
        assert_eq!(positions, [100, 200, 300]);
    }

    #[test]
    fn both_ends_have_their_tick() {
        assert_eq!(ticks((10.0, 100_000.0), 10.0), ["10", "100", "1000", "10000", "100000"]);
        assert_eq!(ticks((16.0, 4_096.0), 4.0), ["16", "64", "256", "1024", "4096"]);
        assert_eq!(ticks((30.0, 300.0), 10.0), ["100"]);
    }

    #[test]
    fn decades_hold_all() {
        let around = |numbers: &[f64]| {
            let (from, to) = decades(numbers.iter().copied());
            format!("{from} to {to}")
        };
        assert_eq!(around(&[0.5, 30.0, 700.0]), "0.1 to 1000");
        assert_eq!(around(&[10.0]), "10 to 100");
    }
}
