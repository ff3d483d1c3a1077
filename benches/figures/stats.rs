//! Samples, and the table they end in.

/// Times in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<u64>);

impl Samples {
    pub fn push(&mut self, ns: u64) {
        self.0.push(ns);
    }

    /// The sample that `percent` of all do not exceed.
    pub fn at(&self, percent: usize) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        *sorted.get(rank - 1).expect("a figure has samples")
    }

    pub fn median(&self) -> u64 {
        self.at(50)
    }

    /// Median, 99th percentile and worst.
    pub fn spread(&self) -> String {
        let [median, p99, worst] = [50, 99, 100].map(|percent| ms(self.at(percent)));
        format!("{median} / {p99} / {worst} ms, n = {}", self.0.len())
    }
}

impl Extend<u64> for Samples {
    fn extend<T: IntoIterator<Item = u64>>(&mut self, samples: T) {
        self.0.extend(samples);
    }
}

/// Milliseconds to the microsecond.
pub fn ms(ns: u64) -> String {
    format!("{:.3}", ns as f64 / 1e6)
}

/// Rows of: figure, reach, floor, measured, met.
pub struct Table(Vec<[String; 5]>);

impl Table {
    pub fn new() -> Self {
        Self(vec![
            ["figure", "reach", "floor", "measured", "met"].map(Into::into),
        ])
    }

    /// A row whose figure is held against its reach; `None` is told only.
    pub fn row(
        &mut self,
        figure: &str,
        reach: &str,
        floor: &str,
        measured: String,
        met: impl Into<Option<bool>>,
    ) {
        let met = met.into().map_or("", |met| if met { "yes" } else { "NO" });
        self.0
            .push([figure, reach, floor, &measured, met].map(Into::into));
        eprintln!("{figure}: {measured} {met}");
    }

    pub fn print(&self) {
        let width = |column: usize| {
            let cells = self.0.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: [usize; 5] = std::array::from_fn(width);
        for (number, row) in self.0.iter().enumerate() {
            let cells = row.iter().zip(widths);
            let cells: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            println!("| {} |", cells.join(" | "));
            if number == 0 {
                println!("|{}|", widths.map(|width| "-".repeat(width + 2)).join("|"));
            }
        }
    }
}
