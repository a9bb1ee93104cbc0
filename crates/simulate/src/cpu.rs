//! The CPU of one target, shared by the jobs that are running: work goes in, completions and utilisation come out.
//!
//! Weighted processor sharing: `n` jobs on `v` vCPUs get `min(v, n)` CPU seconds per second, each in proportion to its
//! weight. A virtual clock runs at the rate at which one unit of weight is served, so that a job's finish on that clock
//! is fixed when it starts, and one heap gives the next one.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A set of running jobs. Times are microseconds since 1970, work is in CPU seconds.
pub(crate) struct Cpu<J> {
    vcpus: f64,
    now: i64,
    clock: f64,
    weight: f64,
    jobs: BinaryHeap<Reverse<Job<J>>>,
    started: u64,
    /// CPU seconds served since the last sample.
    served: f64,
}

struct Job<J> {
    finish: f64,
    order: u64,
    weight: f64,
    what: J,
}

impl<J> Cpu<J> {
    pub(crate) fn new(vcpus: f64, now: i64) -> Cpu<J> {
        Cpu { vcpus, now, clock: 0.0, weight: 0.0, jobs: BinaryHeap::new(), started: 0, served: 0.0 }
    }

    pub(crate) fn start(&mut self, now: i64, work_s: f64, weight: f64, what: J) {
        self.advance(now);
        self.weight += weight;
        self.started += 1;
        self.jobs.push(Reverse(Job { finish: self.clock + work_s / weight, order: self.started, weight, what }));
    }

    /// When the next job will be done if nothing starts before.
    pub(crate) fn next_finish(&self) -> Option<i64> {
        let Reverse(job) = self.jobs.peek()?;
        let seconds = (job.finish - self.clock).max(0.0) / self.speed();
        Some(self.now + (seconds * 1e6).ceil() as i64)
    }

    /// Takes one job that is done by `now`.
    pub(crate) fn finish(&mut self, now: i64) -> Option<J> {
        self.advance(now);
        let Reverse(job) = self.jobs.peek()?;
        if job.finish > self.clock + 1e-9 {
            return None;
        }
        let Reverse(job) = self.jobs.pop()?;
        self.weight -= job.weight;
        if self.jobs.is_empty() {
            // Rounding errors end here.
            (self.clock, self.weight) = (0.0, 0.0);
        }
        Some(job.what)
    }

    /// Drops all jobs.
    pub(crate) fn clear(&mut self, now: i64) {
        self.advance(now);
        self.jobs.clear();
        (self.clock, self.weight) = (0.0, 0.0);
    }

    /// Share of the capacity used since the last sample, `seconds` ago: 0 to 1.
    pub(crate) fn sample(&mut self, now: i64, seconds: f64) -> f64 {
        self.advance(now);
        let share = self.served / (seconds * self.vcpus);
        self.served = 0.0;
        share.min(1.0)
    }

    fn advance(&mut self, now: i64) {
        let seconds = (now - self.now) as f64 / 1e6;
        self.now = now;
        if !self.jobs.is_empty() {
            self.clock += seconds * self.speed();
            self.served += seconds * self.capacity();
        }
    }

    fn capacity(&self) -> f64 {
        self.vcpus.min(self.jobs.len() as f64)
    }

    /// Virtual seconds per second.
    fn speed(&self) -> f64 {
        self.capacity() / self.weight
    }
}

impl<J> Ord for Job<J> {
    fn cmp(&self, other: &Job<J>) -> Ordering {
        self.finish.total_cmp(&other.finish).then(self.order.cmp(&other.order))
    }
}

impl<J> PartialOrd for Job<J> {
    fn partial_cmp(&self, other: &Job<J>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<J> PartialEq for Job<J> {
    fn eq(&self, other: &Job<J>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<J> Eq for Job<J> {}

#[cfg(test)]
mod tests {
    use super::Cpu;

    #[test]
    fn one_job_alone_takes_its_work() {
        let mut cpu = Cpu::new(1.0, 0);
        cpu.start(0, 0.5, 1.0, 'a');
        assert_eq!(cpu.next_finish(), Some(500_000));
        assert_eq!(cpu.finish(499_000), None);
        assert_eq!(cpu.finish(500_000), Some('a'));
        assert_eq!(cpu.sample(1_000_000, 1.0), 0.5);
    }

    #[test]
    fn a_greedy_job_crowds_out_a_light_one() {
        let mut cpu = Cpu::new(1.0, 0);
        cpu.start(0, 5.0, 9.0, "greedy");
        cpu.start(0, 0.1, 1.0, "light");
        assert_eq!(cpu.next_finish(), Some(1_000_000));
        assert_eq!(cpu.finish(1_000_000), Some("light"));
        // 4.1 s of work are left; times are rounded up to a microsecond.
        assert!(matches!(cpu.next_finish(), Some(5_100_000..=5_100_001)));
        assert_eq!(cpu.sample(1_000_000, 1.0), 1.0);
    }

    #[test]
    fn two_jobs_on_two_vcpus_do_not_wait() {
        let mut cpu = Cpu::new(2.0, 0);
        cpu.start(0, 1.0, 1.0, 1);
        cpu.start(0, 1.0, 1.0, 2);
        assert_eq!(cpu.next_finish(), Some(1_000_000));
        assert_eq!(cpu.finish(1_000_000), Some(1));
        assert_eq!(cpu.finish(1_000_000), Some(2));
    }
}
