//! Nights against moto: logs and lake in S3, CPU in CloudWatch. Needs Python with moto; `make test` sets that up.

use std::io::Write;

use albatross_testbed::Moto;
use chrono::{Days, NaiveDate, Utc};
use flate2::Compression;
use flate2::write::{GzEncoder, MultiGzDecoder};

use crate::{Site, sample_data, step};

const REGION: &str = "eu-central-1";
const SERVICE: [(&str, &str); 2] = [("ClusterName", "featherly"), ("ServiceName", "web")];

/// The sample evening as it would have been on another day, by the paths of its files. CloudWatch forgets, so it has to be a recent one.
fn evening_of(day: NaiveDate) -> Vec<(String, Vec<u8>)> {
    let root = sample_data();
    let dashes = |text: &str| text.replace("2026-11-19", &day.to_string());
    let (mut files, mut folders) = (Vec::new(), vec![root.join("AWSLogs")]);
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            let name = name.replace("2026/11/19", &day.format("%Y/%m/%d").to_string());
            let name = name.replace("20261119", &day.format("%Y%m%d").to_string());
            let bytes = std::fs::read(&path).unwrap();
            let bytes = if name.ends_with(".gz") { gzip(dashes(&gunzip(&bytes)).as_bytes()) } else { bytes };
            files.push((name, bytes));
        }
    }
    files.sort();
    files
}

fn gunzip(bytes: &[u8]) -> String {
    let mut decoder = MultiGzDecoder::new(Vec::new());
    decoder.write_all(bytes).unwrap();
    // The sample has lines that are no text; they are bad lines either way.
    String::from_utf8_lossy(&decoder.finish().unwrap()).into_owned()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// When, average and maximum, as the sample has them.
fn cpu_of(day: NaiveDate) -> Vec<(String, f64, f64)> {
    let file = std::fs::read_dir(sample_data()).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.extension().is_some_and(|e| e == "json")).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let results = answer["MetricDataResults"].as_array().unwrap();
    let result = |word: &str| results.iter().find(|result| result["Id"].as_str().unwrap().contains(word)).unwrap();
    let (average, maximum) = (result("av"), result("max"));
    let list = |of: &serde_json::Value, key: &str| of[key].as_array().unwrap().clone();
    assert_eq!(average["Timestamps"], maximum["Timestamps"]);
    let values = list(average, "Values").into_iter().zip(list(maximum, "Values"));
    let times = list(average, "Timestamps").into_iter();
    times
        .zip(values)
        .map(|(at, (average, maximum))| {
            let at = chrono::DateTime::parse_from_rfc3339(at.as_str().unwrap()).unwrap().to_utc();
            let at = at.format("%Y-%m-%dT%H:%M:%SZ").to_string().replace("2026-11-19", &day.to_string());
            (at, average.as_f64().unwrap(), maximum.as_f64().unwrap())
        })
        .collect()
}

#[test]
fn from_an_empty_folder_night_after_night() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let Some(moto) = runtime.block_on(Moto::start("logs")) else { return };
    let day = Utc::now().date_naive() - Days::new(1);
    let (logs, cpu) = (evening_of(day), cpu_of(day));
    let put = |files: &[(String, Vec<u8>)]| {
        files.iter().for_each(|(name, bytes)| runtime.block_on(moto.put("logs", &format!("prod/{name}"), bytes)));
    };
    put(&logs[..50]);
    runtime.block_on(moto.put_metric(REGION, ("AWS/ECS", "CPUUtilization"), &SERVICE, &cpu));

    let [(cluster, its_name), (service, name)] = SERVICE;
    let mut site = Site::new(&format!(
        "lake = \"s3://logs/lake\"\n[s3]\nregion = \"{REGION}\"\n[ingest]\ninputs = [\"s3://logs/prod/\"]\nfrom = \"-3d\"\n\
         [[cloudwatch]]\nnamespace = \"AWS/ECS\"\ndimensions = {{ {cluster} = \"{its_name}\", {service} = \"{name}\" }}\n\
         [[cloudwatch]]\nnamespace = \"AWS/EC2\"\ndimensions = {{ InstanceId = \"i-gone\" }}\n\
         [nightly]\nout = \"out\"\ncsv = [\"traffic\", \"max_cpu_correlation\"]\n"
    ));
    let variables = [
        ("AWS_ENDPOINT_URL", moto.endpoint()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
    ];
    site.variables = variables.map(|(name, value)| (name.to_owned(), value)).into();
    let day = day.to_string();
    let night = || site.run(&["nightly", "--day", &day]);
    let metrics = "SELECT count(*), count(DISTINCT time), min(resource), min(metric), min(namespace), \
                   round(sum(average), 3), round(sum(maximum), 3) FROM metrics";
    let rows = "SELECT count(*), count(DISTINCT source_file) FROM alb";

    let first = night();
    assert_eq!(first.code, 1, "{}", first.stderr);
    assert!(first.stderr.contains("i-gone: warning: CloudWatch has nothing of it"), "{}", first.stderr);
    let summary = site.summary(&day);
    assert_eq!(step(&summary, "ingest")["ingested"], 50);
    assert_eq!(step(&summary, "cpu")["points"], cpu.len());
    let sum = |of: fn(&(String, f64, f64)) -> f64| cpu.iter().map(of).sum::<f64>();
    let expected = format!("{0},{0},featherly/web,CPUUtilization,AWS/ECS,", cpu.len());
    let measured = site.sql(metrics);
    assert!(measured.starts_with(&expected), "{measured}");
    let sums: Vec<f64> = measured.rsplit(',').take(2).map(|number| number.parse().unwrap()).collect();
    assert!(
        (sums[1] - sum(|minute| minute.1)).abs() < 0.01 && (sums[0] - sum(|minute| minute.2)).abs() < 0.01,
        "{measured}"
    );
    let correlation = std::fs::read_to_string(site.path(&format!("out/{day}/csv/max_cpu_correlation.csv"))).unwrap();
    assert!(correlation.lines().count() > 1, "{correlation}");

    // The second night: only the new files, no minute twice.
    put(&logs[50..]);
    let second = night();
    assert_eq!(second.code, 1, "{}", second.stderr);
    let summary = site.summary(&day);
    let ingest = step(&summary, "ingest");
    assert_eq!((&ingest["ingested"], &ingest["already"]), (&(logs.len() - 50).into(), &50.into()));
    assert_eq!(step(&summary, "cpu")["points"], 0);
    assert_eq!(site.sql(metrics), measured);

    // Killed between what CloudWatch gave and the commit, and midway through the rest.
    let other = NaiveDate::parse_from_str(&day, "%Y-%m-%d").unwrap() - Days::new(1);
    let earlier = evening_of(other);
    put(&earlier);
    runtime.block_on(moto.put_metric(REGION, ("AWS/ECS", "CPUUtilization"), &SERVICE, &cpu_of(other)));
    for event in [
        &[("message", "committed"), ("table", "alb")][..],
        &[("message", "CPU wanted")],
        &[("message", "file written"), ("table", "metrics")],
        &[("message", "committed"), ("table", "ingested")],
        &[("message", "step begun"), ("step", "csv")],
    ] {
        let mut night = site.until(&["--day", &day], event);
        night.kill().unwrap();
        night.wait().unwrap();
    }
    let third = night();
    assert_eq!(third.code, 1, "{}", third.stderr);
    assert!(site.sql(metrics).starts_with(&format!("{0},{0},", 2 * cpu.len())), "{}", site.sql(metrics));
    let of_both: usize = site.sql(rows).split(',').next().unwrap().parse().unwrap();
    assert_eq!(of_both % 2, 0, "two evenings with the same requests: {of_both}");
    assert_eq!(site.run(&["verify"]).code, 0);
    assert!(site.files("out").iter().all(|file| file == ".lock" || file.starts_with(&day)), "{:?}", site.files("out"));
}

#[test]
fn what_cloudwatch_refuses_is_said_and_the_rest_is_done() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let Some(moto) = runtime.block_on(Moto::start("logs")) else { return };
    let proxy = runtime.block_on(albatross_testbed::Proxy::start(moto.port()));
    proxy.rule(|_| {
        let mut answer = albatross_testbed::Answer::error(400, "x", "x");
        answer.body = br#"{"__type":"com.amazonaws.cloudwatch#AccessDeniedException","message":"no"}"#.to_vec();
        Some(answer)
    });
    let mut site = Site::evening("[[cloudwatch]]\nnamespace = \"AWS/EC2\"\ndimensions = { InstanceId = \"i-1\" }\n");
    // A day that CloudWatch still has, so that it is asked at all.
    let day = Utc::now().date_naive() - Days::new(1);
    let logs = site.path("logs");
    for (name, bytes) in evening_of(day).into_iter().take(4) {
        let path = logs.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let config = std::fs::read_to_string(site.path("albatross.toml")).unwrap();
    let config = config.replace(&format!("{:?}", sample_data()), "\"logs\"");
    std::fs::write(site.path("albatross.toml"), config).unwrap();
    let variables = [
        ("AWS_ENDPOINT_URL_CLOUDWATCH", proxy.endpoint()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
    ];
    site.variables = variables.map(|(name, value)| (name.to_owned(), value)).into();
    let ran = site.run(&["nightly", "--day", &day.to_string()]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("cpu: permission cloudwatch:GetMetricData is missing in us-east-1"), "{}", ran.stderr);
    let summary = site.summary(&day.to_string());
    assert_eq!((&step(&summary, "cpu")["exit"], &step(&summary, "ingest")["ingested"]), (&4.into(), &4.into()));
    assert!(site.files("out").contains(&format!("{day}/report.html")));
}
