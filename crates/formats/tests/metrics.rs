//! Every form of metrics, from files named by what is special about them. All expected values are worked out by hand.

use std::path::Path;

use albatross_formats::metrics::{Decoded, MetricsError, MetricsErrorKind, decode, recognise, schema};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};

/// The file's name, without its endings, as `decode` is told it.
const STEM: &str = "night";

fn bytes(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/metrics").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn read(name: &str) -> Decoded {
    let bytes = bytes(name);
    assert!(recognise(&bytes[..bytes.len().min(300)]), "{name} is not recognised by its first 300 bytes");
    let decoded = decode(&bytes, name, STEM).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(decoded.rejects.is_sorted_by_key(|reject| reject.byte), "{name}: rejects in file order");
    let rows: usize = decoded.batches.iter().map(RecordBatch::num_rows).sum();
    assert!(
        rows as u64 + decoded.rejects.len() as u64 <= decoded.records,
        "{name}: a record is part of one row or reject"
    );
    decoded
}

/// Rows as `time period namespace metric resource | average maximum minimum sum samples unit`, NULL as `-`.
fn rows(decoded: &Decoded) -> Vec<String> {
    decoded.batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| show(batch, row))).collect()
}

fn show(batch: &RecordBatch, row: usize) -> String {
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let text = |name| {
        let column = column(name).as_string::<i32>();
        if column.is_null(row) { "-".to_owned() } else { column.value(row).to_owned() }
    };
    let number = |name| {
        let column = column(name).as_primitive::<Float64Type>();
        if column.is_null(row) { "-".to_owned() } else { column.value(row).to_string() }
    };
    let period = column("period_s").as_primitive::<Int32Type>();
    let period = if period.is_null(row) { "-".to_owned() } else { period.value(row).to_string() };
    let time = column("time").as_primitive::<TimestampMicrosecondType>().value_as_datetime(row).unwrap();
    assert!(time.to_string().starts_with("2026-11-20"), "{time}");
    format!(
        "{} {period} {} {} {} | {} {} {} {} {} {}",
        time.format("%H:%M:%S%.f"),
        text("namespace"),
        text("metric"),
        text("resource"),
        number("average"),
        number("maximum"),
        number("minimum"),
        number("sum"),
        number("samples"),
        text("unit"),
    )
}

/// Rejects as (line, reason).
fn rejects(decoded: &Decoded) -> Vec<(u64, &str)> {
    decoded.rejects.iter().map(|reject| (reject.line, reject.reason)).collect()
}

fn clean(name: &str, expected: &[&str]) {
    let decoded = read(name);
    assert_eq!(rows(&decoded), expected, "{name}");
    assert_eq!(rejects(&decoded), [], "{name}");
    assert_eq!(decoded.warnings, [""; 0], "{name}");
}

#[test]
fn average_and_maximum_of_one_series_become_one_row() {
    clean(
        "metric-data-newest-first.json",
        &[
            "18:00:00 60 - CPUUtilization night | 12 31 - - - -",
            "18:01:00 60 - CPUUtilization night | 46.25 99.5 - - - -",
            "18:02:00 60 - CPUUtilization night | 47.5 100 - - - -",
        ],
    );
    clean(
        "metric-data-instances-in-labels.json",
        &[
            "18:00:00 300 - CPUUtilization i-0abc12345 | 20.5 60 - - - -",
            "18:05:00 300 - CPUUtilization i-0abc12345 | 40 100 - - - -",
            "18:00:00 300 - CPUUtilization i-0def67890 | 21.5 61 - - - -",
            "18:05:00 300 - CPUUtilization i-0def67890 | 41 - - - - -",
        ],
    );
    clean(
        "metric-data-numbered-ids.json",
        &["18:00:00 - - CPUUtilization 1 | 10 11 - - - -", "18:00:00 - - CPUUtilization 2 | 20 22 - - - -"],
    );
    clean(
        "metric-data-search-one-id-many-labels.json",
        &["18:00:00 - - - i-0abc12345 | 48 98 - - - -", "18:00:00 - - - i-0def67890 | 47 97 - - - -"],
    );
}

#[test]
fn pages_continue_each_other() {
    let decoded = read("metric-data-pages-concatenated.json");
    assert_eq!(
        rows(&decoded),
        [
            "18:00:00 60 - CPUUtilization web1 | 30 90 - - - -",
            "18:01:00 60 - CPUUtilization web1 | 31 91 - - - -",
            "18:02:00 60 - CPUUtilization web1 | 32 92 - - - -",
            "18:03:00 60 - CPUUtilization web1 | 33 93 - - - -",
        ]
    );
    assert_eq!((decoded.records, decoded.rejects.len()), (8, 0));
    assert_eq!(decoded.warnings, ["result `web1_avg` is partial", "result `web1_max` is partial"]);

    let decoded = read("metric-data-pages-in-a-list.json");
    assert_eq!(
        rows(&decoded),
        ["18:00:00 60 - CPUUtilization night | 30 - - - - -", "18:01:00 60 - CPUUtilization night | 31 - - - - -"]
    );
    assert_eq!(decoded.warnings, ["the last page has a NextToken: more was to be fetched"]);

    clean(
        "metric-data-dynamic-legend.json",
        &["18:00:00 60 - - web-1 | 37 97 - - - -", "18:01:00 60 - - web-1 | 40 98 - - - -"],
    );
    clean("metric-data-result-list-only.json", &["18:00:00 - - CPUUtilization night | - 97 - - - -"]);
}

#[test]
fn container_insights_give_percent_of_what_is_reserved() {
    let rows_of_a_minute = [
        "18:00:00 60 ECS/ContainerInsights CPUUtilization prod/shop | 50 90 - - - Percent",
        "18:01:00 60 ECS/ContainerInsights CPUUtilization prod/shop | 25 - - - - Percent",
        "18:00:00 - ECS/ContainerInsights CPUUtilization prod/shop/7ac4dfba | 90 - - - - Percent",
        "18:00:00 - ECS/ContainerInsights CPUUtilization prod/shop/7ac4dfba/web | 106.25 - - - - Percent",
        "18:00:00 - ECS/ContainerInsights CPUUtilization prod/shop/fd84326d | 10 - - - - Percent",
    ];
    for name in [
        "container-insights-service-and-tasks.json",
        "container-insights-list.json",
        "container-insights-filter-log-events.json",
        "container-insights-list-of-events.json",
        "container-insights-subscription-without-newlines.json",
        "container-insights-exported-with-times.log",
    ] {
        let decoded = read(name);
        assert_eq!(decoded.format, "container_insights");
        assert_eq!(rows(&decoded), rows_of_a_minute, "{name}");
        assert_eq!(rejects(&decoded), [], "{name}");
        assert_eq!(decoded.warnings, [""; 0], "{name}");
        assert_eq!(decoded.records, 5, "{name}");
        // A cluster's and a volume's; of the subscription also a control message, of the export an empty line.
        assert!((2..=3).contains(&decoded.skipped), "{name}");
    }
}

#[test]
fn container_insights_without_reserved_cpu_are_told() {
    let decoded = read("container-insights-nothing-reserved.json");
    assert_eq!(
        rows(&decoded),
        [
            "18:00:00 - ECS/ContainerInsights CPUUtilization i-0c470579dbcdbd2f3 | 31.25 - - - - Percent",
            "18:00:00 - ECS/ContainerInsights CPUUtilization prod/batch | 12.5 - - - - Percent",
        ]
    );
    assert_eq!((decoded.records, decoded.skipped), (2, 2));
    assert_eq!(decoded.warnings, ["2 events reserve no CPU, so that there is no percentage of it"]);
}

#[test]
fn a_torn_performance_event_costs_itself_only() {
    let decoded = read("container-insights-torn-and-foreign.json");
    assert_eq!(
        rows(&decoded),
        [
            "18:01:00 60 ECS/ContainerInsights CPUUtilization prod/shop | 25 - - - - Percent",
            "18:02:00 60 ECS/ContainerInsights CPUUtilization prod/shop | 50 - - - - Percent",
        ]
    );
    assert_eq!(rejects(&decoded), [(1, "broken_json"), (3, "unknown_object"), (5, "bad_time")]);
}

#[test]
fn epoch_seconds_whole_and_with_fraction() {
    clean(
        "metric-data-epoch-seconds.json",
        &[
            "18:00:00 60 - CPUUtilization night | 1 40 - - - -",
            "18:01:00 60 - CPUUtilization night | 2 50 - - - -",
            "18:02:00 60 - CPUUtilization night | 3 - - - - -",
            "18:02:00.500 60 - CPUUtilization night | - 60 - - - -",
        ],
    );
}

#[test]
fn refused_and_partial_results_are_told() {
    let decoded = read("metric-data-forbidden-and-partial.json");
    assert_eq!(rows(&decoded), ["18:00:00 - - - web-1 | 30 - - - - -"]);
    assert_eq!(rejects(&decoded), [(3, "forbidden"), (4, "failed_result")]);
    assert_eq!(decoded.rejects[0].detail, "result `b_avg`: Forbidden Forbidden no access to account 111122223333");
    assert!(decoded.rejects[0].raw.starts_with(r#"{"Id":"b_avg""#), "{}", decoded.rejects[0].raw);
    assert_eq!(decoded.records, 3);
    assert_eq!(
        decoded.warnings,
        [
            "CloudWatch says: MaxMetricsExceeded too many metrics",
            "result `a_avg` is partial ExpressionRowsLimitExceeded 100 of 120 rows"
        ]
    );

    let decoded = read("metric-data-unequal-lengths.json");
    assert_eq!(
        rows(&decoded),
        ["18:00:00 60 - CPUUtilization web-1 | - 80 - - - -", "18:01:00 60 - CPUUtilization web-1 | - 90 - - - -"]
    );
    assert_eq!(rejects(&decoded), [(2, "unequal_lengths")]);
    assert_eq!(decoded.rejects[0].detail, "result `cpu_avg` has 2 timestamps and 1 values");
}

#[test]
fn a_bad_point_costs_itself_only() {
    let decoded = read("metric-data-bad-points.json");
    assert_eq!(
        rows(&decoded),
        [
            "18:00:00 300 - CPUUtilization web-1 | 30.5 - - - - -",
            "18:05:00 300 - CPUUtilization web-1 | 35.5 - - - - -"
        ]
    );
    assert_eq!(rejects(&decoded), [(3, "bad_time"), (5, "not_a_number"), (6, "not_a_number"), (7, "not_a_number")]);
    let raw: Vec<&str> = decoded.rejects.iter().map(|reject| reject.raw.as_str()).collect();
    assert_eq!(raw, ["\"yesterday\"", "\"NaN\"", "NaN", "null"]);
    assert_eq!(decoded.records, 6);
}

#[test]
fn statistics_with_a_column_are_kept_and_an_average_follows_from_sum_and_samples() {
    let decoded = read("metric-data-other-statistics.json");
    assert_eq!(rows(&decoded), ["18:00:00 - - TargetResponseTime rt | 0.5 - 0.25 30 60 -"]);
    assert_eq!(decoded.warnings, ["result `rt_p99`: a statistic without a column, 1 points left out"]);
}

#[test]
fn a_statistic_is_never_guessed_in_silence() {
    let decoded = read("metric-data-statistic-unnamed.json");
    assert_eq!(rows(&decoded), ["18:00:00 - - CPUUtilization night | 30 - - - - -"]);
    let advice = "neither Id nor Label names a statistic, taken for averages: `m1` (Ids like cpu_avg and cpu_max tell)";
    assert_eq!(decoded.warnings, [advice]);

    let decoded = read("metric-data-statistic-unnamed-beside-average.json");
    assert_eq!(rows(&decoded), ["18:00:00 - - CPUUtilization web-1 | 30 - - - - -"]);
    assert_eq!(rejects(&decoded), [(3, "unknown_statistic")]);

    let decoded = read("metric-data-nothing-pairs.json");
    assert_eq!(
        rows(&decoded),
        [
            "18:00:00 - - CPUUtilization m1 | 1 - - - - -",
            "18:00:00 - - CPUUtilization m2 | - 2 - - - -",
            "18:00:00 - - CPUUtilization m3 | 3 - - - - -",
            "18:00:00 - - CPUUtilization m4 | - 4 - - - -",
        ]
    );
    assert_eq!(decoded.warnings, ["nothing tells which of these belong together: `m1`, `m2`, `m3`, `m4`"]);
}

/// One average and one maximum under each pair of names: what are metric and resource?
#[test]
fn names_people_use() {
    for (average, maximum, metric, resource) in [
        // (Id, Label) of both, then the expectation; an empty label is none.
        (("cpu_avg", "CPUUtilization"), ("cpu_max", "CPUUtilization"), "CPUUtilization", "night"),
        (("avg", "CPUUtilization"), ("max", "CPUUtilization"), "CPUUtilization", "night"),
        (("avg1", "CPUUtilization"), ("max1", "CPUUtilization"), "CPUUtilization", "night"),
        (("m1_average", "CPUUtilization"), ("m1_maximum", "CPUUtilization"), "CPUUtilization", "night"),
        (("m1", "CPUUtilization Average"), ("m2", "CPUUtilization Maximum"), "CPUUtilization", "night"),
        (("m1", "Average"), ("m2", "Maximum"), "-", "night"),
        (("m1", "i-0abc CPUUtilization Average"), ("m2", "i-0abc CPUUtilization Maximum"), "CPUUtilization", "i-0abc"),
        (("m1", "Average CPU of web-1"), ("m2", "Maximum CPU of web-1"), "CPUUtilization", "web-1"),
        (("a", "web-1 avg"), ("b", "web-1 max"), "-", "web-1"),
        (("a", "web-1-avg"), ("b", "web-1-max"), "-", "web-1"),
        (("a", "web-1: CPU (avg)"), ("b", "web-1: CPU (max)"), "CPUUtilization", "web-1"),
        (("a", "cpu-server-1 Average"), ("b", "cpu-server-1 Maximum"), "-", "cpu-server-1"),
        (
            ("a", "CPU Utilization % | max-prod-1 | Avg"),
            ("b", "CPU Utilization % | max-prod-1 | Max"),
            "CPUUtilization",
            "max-prod-1",
        ),
        (("e1", "CPUUtilizationAverage"), ("e2", "CPUUtilizationMaximum"), "CPUUtilization", "night"),
        (("e1", "AvgCPU"), ("e2", "MaxCPU"), "CPUUtilization", "night"),
        (("e1", "stat=Average"), ("e2", "stat=Maximum"), "-", "night"),
        (
            ("e1", "AWS/EC2 CPUUtilization web-1 Average"),
            ("e2", "AWS/EC2 CPUUtilization web-1 Maximum"),
            "CPUUtilization",
            "web-1",
        ),
        (("cpu_avg_web1", ""), ("cpu_max_web1", ""), "CPUUtilization", "web1"),
        (("cpuAvg", ""), ("cpuMax", ""), "CPUUtilization", "night"),
        (("web1Avg", ""), ("web1Max", ""), "-", "web1"),
        (("cpuavg", "web-1"), ("cpumax", "web-1"), "CPUUtilization", "web-1"),
        (("cpuavg1", ""), ("cpumax1", ""), "CPUUtilization", "night"),
        (("q_cpu_avg_1", "CPUUtilization"), ("q_cpu_max_1", "CPUUtilization"), "CPUUtilization", "night"),
        (("cpu_avg", "cpu_avg"), ("cpu_max", "cpu_max"), "CPUUtilization", "night"),
        (("a", "cpu_web1_avg"), ("b", "cpu_web1_max"), "CPUUtilization", "web1"),
        (("mem_avg", "MemoryUtilization"), ("mem_max", "MemoryUtilization"), "MemoryUtilization", "night"),
        (("a_avg", "mem_used_percent"), ("a_max", "mem_used_percent"), "mem_used_percent", "night"),
        (("cpu_credit_avg", "CPUCreditBalance"), ("cpu_credit_max", "CPUCreditBalance"), "CPUCreditBalance", "night"),
        (("a_avg", "GroupMaxSize"), ("a_max", "GroupMaxSize"), "GroupMaxSize", "night"),
        (
            ("a", "OrderService CPUUtilization Average"),
            ("b", "OrderService CPUUtilization Maximum"),
            "CPUUtilization",
            "OrderService",
        ),
        (("admin_mean", ""), ("admin_peak", ""), "-", "admin"),
    ] {
        let result = |(id, label): (&str, &str), value: u32| {
            let label = if label.is_empty() { String::new() } else { format!("\"Label\":\"{label}\",") };
            format!("{{\"Id\":\"{id}\",{label}\"Timestamps\":[1795197600],\"Values\":[{value}]}}")
        };
        let answer = format!("{{\"MetricDataResults\":[{},{}]}}", result(maximum, 9), result(average, 4));
        let decoded = decode(answer.as_bytes(), "x.json", STEM).unwrap();
        let namespace = if average.1.contains("AWS/EC2") { "AWS/EC2" } else { "-" };
        let expected = format!("18:00:00 - {namespace} {metric} {resource} | 4 9 - - - -");
        assert_eq!(rows(&decoded), [expected], "{average:?} {maximum:?}");
        assert_eq!(decoded.warnings, [""; 0], "{average:?} {maximum:?}");
    }
}

#[test]
fn label_and_id_that_disagree_are_told() {
    let answer =
        r#"{"MetricDataResults":[{"Id":"web_avg","Label":"web Maximum","Timestamps":[1795197600],"Values":[9]}]}"#;
    let decoded = decode(answer.as_bytes(), "x.json", STEM).unwrap();
    assert_eq!(rows(&decoded), ["18:00:00 - - - web | - 9 - - - -"]);
    assert_eq!(decoded.warnings, ["Id and Label name different statistics, the Label is followed: `web_avg`"]);
}

#[test]
fn the_name_of_the_file_tells_the_metric_where_nothing_else_does() {
    let csv = b"time,average\n1795197600,1\n";
    for (stem, metric) in [("prod-cpu-2026", "CPUUtilization"), ("cpus", "-"), ("memory", "-")] {
        let decoded = decode(csv, "x.csv", stem).unwrap();
        assert_eq!(rows(&decoded), [format!("18:00:00 - - {metric} {stem} | 1 - - - - -")]);
    }
}

#[test]
fn unordered_datapoints() {
    clean(
        "statistics-unordered.json",
        &[
            "18:00:00 300 - CPUUtilization night | 11.5 30 - - - Percent",
            "18:05:00 300 - CPUUtilization night | 25 70 - - - Percent",
            "18:10:00 300 - CPUUtilization night | 41.5 99 - - - Percent",
            "18:25:00 300 - CPUUtilization night | 45 100 - - - Percent",
        ],
    );
    clean(
        "statistics-datapoint-list-only.json",
        &["18:00:00 60 - - night | - 98 - - - Percent", "18:01:00 60 - - night | - 99 - - - Percent"],
    );
    clean("statistics-no-datapoints.json", &[]);
}

#[test]
fn answers_that_complete_each_other_are_one_series_and_answers_that_disagree_are_two() {
    clean(
        "statistics-average-and-maximum-apart.json",
        &[
            "18:00:00 60 - CPUUtilization night | 11.5 80 - - - Percent",
            "18:01:00 60 - CPUUtilization night | 12.5 81 - - - Percent",
        ],
    );
    let decoded = read("statistics-two-instances-in-one-file.json");
    assert_eq!(
        rows(&decoded),
        [
            "18:00:00 60 - CPUUtilization night #1 | - 20 - - - Percent",
            "18:01:00 60 - CPUUtilization night #1 | - 21 - - - Percent",
            "18:00:00 60 - CPUUtilization night #2 | - 99 - - - Percent",
            "18:01:00 60 - CPUUtilization night #2 | - 98 - - - Percent",
        ]
    );
    assert_eq!(decoded.warnings.len(), 1, "{:?}", decoded.warnings);
}

#[test]
fn datapoints_without_a_time_or_a_number() {
    let decoded = read("statistics-bad-points-and-percentiles.json");
    assert_eq!(rows(&decoded), ["18:00:00 - - TargetResponseTime night | 0.5 - 0.25 30 60 Seconds"]);
    assert_eq!(rejects(&decoded), [(4, "not_a_number"), (5, "bad_time"), (6, "no_statistic")]);
    assert_eq!(decoded.warnings, ["1 points with nothing but percentiles, which have no column"]);
    assert_eq!(decoded.records, 4);
}

#[test]
fn streams_have_sums_and_counts() {
    clean(
        "stream-newlines.json",
        &[
            "18:00:00 60 AWS/EC2 CPUUtilization i-0abc12345 | 15 20 10 30 2 Percent",
            "18:01:00 60 AWS/EC2 CPUUtilization i-0abc12345 | 95 100 90 190 2 Percent",
        ],
    );
    clean(
        "stream-without-newlines.json",
        &[
            "18:00:00 - AWS/ECS CPUUtilization ClusterName=prod | - 0 0 0 0 Percent",
            "18:00:00 - AWS/ECS CPUUtilization prod/checkout | 125 180.5 90 500 4 Percent",
        ],
    );
}

#[test]
fn each_set_of_dimensions_is_a_resource() {
    let balancer = "LoadBalancer=app/web/50dc6c495c0c9188,TargetGroup=targetgroup/web/943f017f100becff";
    let balancer = format!("18:00:00 - AWS/ApplicationELB RequestCount {balancer} | 1 1 1 812 812 Count");
    clean(
        "stream-dimension-sets.json",
        &[
            "18:00:00 - CWAgent cpu_usage_active - | 2 2 2 2 1 Percent",
            &balancer,
            "18:00:00 - CWAgent cpu_usage_active i-0abc12345 | 3 3 3 3 1 Percent",
            "18:00:00 - CWAgent cpu_usage_active i-0abc12345,ImageId=ami-1,cpu=cpu0 | 4 4 4 4 1 Percent",
        ],
    );
}

#[test]
fn a_broken_object_of_a_stream_costs_its_line_only() {
    let decoded = read("stream-broken-objects.json");
    assert_eq!(
        rows(&decoded),
        [
            "18:00:00 180 AWS/EC2 CPUUtilization i-1 | 50 50 50 50 1 Percent",
            "18:03:00 180 AWS/EC2 CPUUtilization i-1 | - 53 - - - Percent",
        ]
    );
    assert_eq!(
        rejects(&decoded),
        [(2, "broken_json"), (3, "not_a_number"), (4, "bad_time"), (5, "no_statistic"), (7, "unknown_object")]
    );
    assert_eq!(decoded.records, 7);
}

#[test]
fn plain_csv() {
    clean(
        "csv-plain.csv",
        &[
            "18:00:00 60 - - web-1 | 11.5 30 - - - -",
            "18:01:00 60 - - web-1 | 12.25 98.5 - - - -",
            "18:00:00 60 - - web-2 | 12.5 31 - - - -",
            "18:01:00 60 - - web-2 | 13 - - - - -",
        ],
    );
    clean(
        "csv-columns-in-any-order.csv",
        &[
            "18:00:00 - - CPUUtilization web \"blue\", 1 | 41.5 91 - - - Percent",
            "18:00:00 - - - web-2 | 42.5 92 - - - -",
        ],
    );
    clean("csv-without-resource.csv", &["18:00:00 - - CPUUtilization night | 11.5 30 - - - -"]);
    clean(
        "csv-times-in-every-spelling.csv",
        &[
            "18:00:00 60 - - night | 0 - - - - -",
            "18:01:00 60 - - night | 1 - - - - -",
            "18:02:00 60 - - night | 2 - - - - -",
            "18:03:00 60 - - night | 3 - - - - -",
            "18:04:00 60 - - night | 4 - - - - -",
            "18:05:00 60 - - night | 5 - - - - -",
            "18:06:00 60 - - night | 6 - - - - -",
            "18:07:00.250 60 - - night | 7 - - - - -",
        ],
    );
}

#[test]
fn a_bad_csv_line_costs_itself_only() {
    let decoded = read("csv-bad-lines.csv");
    assert_eq!(
        rows(&decoded),
        ["18:00:00 360 - - web-1 | 11.5 30 - - - -", "18:06:00 360 - - web-1 | 11.5 30 - - - -"]
    );
    assert_eq!(
        rejects(&decoded),
        [
            (4, "bad_time"),
            (5, "not_a_number"),
            (6, "missing_field"),
            (7, "unclosed_quote"),
            (8, "no_statistic"),
            (9, "bad_time")
        ]
    );
    assert_eq!(decoded.rejects[0].raw, "noon,web-1,11.5,30");
    assert_eq!((decoded.records, decoded.skipped), (8, 2));
}

#[test]
fn repeated_headers_are_skipped_and_the_first_of_contradicting_points_is_kept() {
    let decoded = read("csv-joined-files.csv");
    assert_eq!(rows(&decoded), ["18:00:00 60 - - web-1 | 11.5 30 - - - -", "18:01:00 60 - - web-1 | 12.5 31 - - - -"]);
    assert_eq!((decoded.records, decoded.skipped), (4, 2));
    assert_eq!(decoded.warnings, ["1 points given again with other values: the first is kept"]);
}

#[test]
fn files_made_on_windows() {
    let name = "csv-byte-order-mark-and-crlf.csv";
    let decoded = read(name);
    assert_eq!(
        rows(&decoded),
        ["18:00:00 120 - - web-1 | 11.5 30 - - - -", "18:02:00 120 - - web-1 | 12.5 31 - - - -"]
    );
    assert_eq!(rejects(&decoded), [(4, "bad_time"), (5, "invalid_utf8")]);
    assert_eq!(decoded.rejects[0].byte, place(name, "bad,"));
    assert_eq!(decoded.rejects[1].raw, r"2026-11-20T18:01:00Z,web-\xFF,1,2");
    assert_eq!((decoded.records, decoded.skipped), (4, 2));

    let name = "byte-order-mark-and-crlf.json";
    let decoded = read(name);
    assert_eq!(rows(&decoded), ["18:01:00 - - CPUUtilization web-1 | - 97.5 - - - -"]);
    assert_eq!(rejects(&decoded), [(4, "not_a_number")]);
    assert_eq!(decoded.rejects[0].byte, place(name, "\"x\""));

    clean("utf-16-of-powershell.json", &["18:00:00 - - CPUUtilization büro-1 | - 97.5 - - - -"]);
}

fn place(name: &str, text: &str) -> u64 {
    let bytes = bytes(name);
    bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap() as u64
}

#[test]
fn a_torn_answer_is_an_error_with_its_place() {
    let bytes = bytes("metric-data-torn.json");
    assert!(recognise(&bytes));
    let error = decode(&bytes, "torn.json", STEM).unwrap_err();
    assert_eq!((error.line(), error.byte()), (3, bytes.len() as u64 - 1));
    assert!(matches!(error.kind(), MetricsErrorKind::BrokenJson(_)));
    assert_eq!(
        error.to_string(),
        format!("line 3, byte {}: broken JSON: a line or control character inside a string", bytes.len() - 1)
    );
}

#[test]
fn whatever_is_cut_or_spoilt_nothing_panics() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/metrics");
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for cut in 0..bytes.len() {
            let _: Result<Decoded, MetricsError> = decode(&bytes[..cut], "x", STEM);
            recognise(&bytes[..cut]);
            let mut spoilt = bytes.clone();
            spoilt[cut] ^= 0x55;
            let _: Result<Decoded, MetricsError> = decode(&spoilt, "x", STEM);
        }
    }
    let deep = "[".repeat(100_000);
    assert!(decode(deep.as_bytes(), "deep.json", STEM).is_err());
}

#[test]
fn what_is_no_metrics_is_refused() {
    for text in [
        "",
        "\n\n",
        "{}",
        "[]",
        "[1,2]",
        r#"{"events":[{"timestamp":1,"message":"Timestamps"}]}"#,
        "time,path,status\n2026-11-20,/,200\n",
        "average,maximum\n1,2\n",
        "http 2026-11-20T18:00:00.000000Z app/web/50dc6c495c0c9188 192.0.2.1:2817 - -1 -1 -1 503 - 34 366 \"GET http://x:80/ HTTP/1.1\"",
    ] {
        assert!(!recognise(text.as_bytes()), "{text}");
        let error = decode(text.as_bytes(), "x", STEM).unwrap_err();
        assert_eq!(*error.kind(), MetricsErrorKind::NotMetrics, "{text}");
    }
}

#[test]
fn many_rows_come_in_batches_and_all_fit_the_schema() {
    let mut csv = String::from("time,average\n");
    for minute in 0..70_000_u64 {
        csv.push_str(&format!("{},1\n", 1_700_000_000 + 60 * minute));
    }
    let decoded = decode(csv.as_bytes(), "long.csv", STEM).unwrap();
    let sizes: Vec<usize> = decoded.batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(sizes, [65_536, 4_464]);
    assert!(decoded.batches.iter().all(|batch| batch.schema() == schema()));
    let source = decoded.batches[1].column_by_name("source_file").unwrap().as_string::<i32>();
    assert_eq!(source.value(4_463), "long.csv");
    assert_eq!(decoded.format, "metrics_csv");
}
