//! Whether the log is complete, and whether it is what its documentation says.

use albatross_lake::{Table, TxnId};

use crate::fixture::{Row, TestLake, answer, request, time, with, without};

const A: &str = "app/a/1";
const B: &str = "app/b/2";
const ALL: [(&str, &str); 2] = [("from", "2026-11-19 18:00"), ("to", "2026-11-19 22:00")];

/// Files by load balancer, node, end of slot, and when they were ingested: `None` is six minutes after the slot.
async fn lake(files: &[(&str, &str, &str, Option<&str>)]) -> TestLake {
    let mut lake = TestLake::empty().await;
    let ids: Vec<TxnId> = (0..files.len() as u64).map(|i| TxnId::of_source("file", "", i)).collect();
    let rows: Vec<Row> = files
        .iter()
        .zip(&ids)
        .map(|((elb, node, end, ingested), id)| {
            let soon = time(end) + chrono::TimeDelta::minutes(6);
            row! {
                "source_file": format!("{id}.log.gz").as_str(), "txn": id.to_string().as_str(), "format": "alb",
                "bytes": 1000, "lines": 10, "rows": 9, "rejects": 1, "skipped": 0, "elb": *elb, "node_ip": *node,
                "interval_end": time(end), "ingested_at": ingested.map_or(soon, time),
            }
        })
        .collect();
    lake.add(Table::Ingested, None, &rows).await;
    lake.lake.commit(Table::ALB, &ids, Vec::new()).await.unwrap();
    lake
}

/// Two nodes of `A` to 18:30: of one 18:15 and 18:20 are missing, of the other 18:20. A third one was there before 18:05 and again
/// at 21:00. The only node of `B` is silent from 18:05 to 21:05.
async fn evening() -> TestLake {
    lake(&[
        (A, "10.0.0.1", "18:05:00", None),
        // Files of 18:25 were in the lake at 18:31: this one came 19 minutes after them, and 40 after its slot.
        (A, "10.0.0.1", "18:10:00", Some("18:50:00")),
        (A, "10.0.0.1", "18:25:00", None),
        (A, "10.0.0.1", "18:30:00", None),
        (A, "10.0.0.2", "18:05:00", None),
        // The second file of this slot: those of 18:25, more than 15 minutes younger, were there for 5 minutes.
        (A, "10.0.0.2", "18:05:00", Some("18:36:00")),
        (A, "10.0.0.2", "18:10:00", None),
        // Four minutes after those of 18:30: not late.
        (A, "10.0.0.2", "18:15:00", Some("18:40:00")),
        (A, "10.0.0.2", "18:25:00", None),
        (A, "10.0.0.2", "18:30:00", None),
        (A, "10.0.0.3", "18:05:00", None),
        (A, "10.0.0.3", "21:00:00", None),
        (B, "10.0.0.1", "18:05:00", None),
        (B, "10.0.0.1", "21:10:00", None),
    ])
    .await
}

const HEAD: &str = "elb,node_ip,first_slot,last_slot,expected,seen,missing,share,longest_gap,longest_gap_start,files,rows,rejects,\
                    late,longest_delay,alone,away\n";

#[tokio::test]
async fn each_node_is_expected_while_it_lives() {
    let lake = evening().await;
    let session = lake.session().await;
    let day = "2026-11-19T";
    let b = format!("{B},10.0.0.1,{day}18:05:00Z,{day}21:10:00Z,38,2,36,0.052632,36,{day}18:05:00Z,2,18,2,0,,0,0\n");
    let first =
        format!("{A},10.0.0.1,{day}18:05:00Z,{day}18:30:00Z,6,4,2,0.666667,2,{day}18:10:00Z,4,36,4,1,2400.0,1,0\n");
    let second =
        format!("{A},10.0.0.2,{day}18:05:00Z,{day}18:30:00Z,6,5,1,0.833333,1,{day}18:15:00Z,6,54,6,1,1860.0,0,0\n");
    let away = format!("{A},10.0.0.3,{day}18:05:00Z,{day}21:00:00Z,2,2,0,1.0,0,,2,18,2,0,,0,34\n");
    assert_eq!(answer(&session, "coverage", &ALL).await, format!("{HEAD}{b}{first}{second}{away}"));

    // A patient reader: then the third node is missing in 34 slots, in four of which others delivered.
    let patient = answer(&session, "coverage", &[ALL[0], ALL[1], ("gone", "3h")]).await;
    let missing =
        format!("{A},10.0.0.3,{day}18:05:00Z,{day}21:00:00Z,36,2,34,0.055556,34,{day}18:05:00Z,2,18,2,0,,4,0\n");
    assert_eq!(patient, format!("{HEAD}{b}{missing}{first}{second}"));
}

/// What lies before and after the range tells who was alive in it.
#[tokio::test]
async fn a_range_cuts_gaps_but_not_lives() {
    let lake = evening().await;
    let session = lake.session().await;
    let range = [("from", "2026-11-19 18:12"), ("to", "2026-11-19 18:22")];
    let day = "2026-11-19T";
    let expected = [
        format!("{B},10.0.0.1,,,3,0,3,0.0,3,{day}18:10:00Z,0,0,0,0,,0,0\n"),
        format!("{A},10.0.0.1,{day}18:25:00Z,{day}18:25:00Z,3,1,2,0.333333,2,{day}18:10:00Z,1,9,1,0,,1,0\n"),
        format!("{A},10.0.0.2,{day}18:15:00Z,{day}18:25:00Z,3,2,1,0.666667,1,{day}18:15:00Z,2,18,2,0,,0,0\n"),
    ];
    assert_eq!(answer(&session, "coverage", &range).await, format!("{HEAD}{}", expected.concat()));
    assert_eq!(
        answer(&session, "coverage_gaps", &range).await,
        format!(
            "elb,node_ip,state,start,end,slots,alone,ingested_at\n\
             {A},10.0.0.1,missing,{day}18:10:00Z,{day}18:20:00Z,2,1,\n\
             {B},10.0.0.1,missing,{day}18:10:00Z,{day}18:25:00Z,3,0,\n\
             {A},10.0.0.2,missing,{day}18:15:00Z,{day}18:20:00Z,1,0,\n"
        )
    );
}

#[tokio::test]
async fn gaps_and_late_files_are_listed() {
    let lake = evening().await;
    let session = lake.session().await;
    let day = "2026-11-19T";
    let head = "elb,node_ip,state,start,end,slots,alone,ingested_at\n";
    assert_eq!(
        answer(&session, "coverage_gaps", &ALL).await,
        format!(
            "{head}\
             {A},10.0.0.2,late,{day}18:00:00Z,{day}18:05:00Z,1,,{day}18:36:00Z\n\
             {A},10.0.0.1,late,{day}18:05:00Z,{day}18:10:00Z,1,,{day}18:50:00Z\n\
             {B},10.0.0.1,missing,{day}18:05:00Z,{day}21:05:00Z,36,0,\n\
             {A},10.0.0.1,missing,{day}18:10:00Z,{day}18:20:00Z,2,1,\n\
             {A},10.0.0.2,missing,{day}18:15:00Z,{day}18:20:00Z,1,0,\n"
        )
    );
    assert_eq!(
        answer(&session, "coverage_gaps", &[ALL[0], ALL[1], ("states", "away")]).await,
        format!("{head}{A},10.0.0.3,away,{day}18:05:00Z,{day}20:55:00Z,34,4,\n")
    );
}

/// A night that is ingested in the morning has no late files, whatever the order in which they got in.
#[tokio::test]
async fn what_is_ingested_together_is_not_late() {
    let morning = "2026-11-20T06:00:00Z";
    let lake = lake(&[
        (A, "10.0.0.1", "18:05:00", Some("2026-11-20T06:04:00Z")),
        (A, "10.0.0.1", "18:10:00", Some(morning)),
        (A, "10.0.0.1", "22:00:00", Some(morning)),
        // The next evening's run takes this one, of a slot before.
        (A, "10.0.0.2", "21:45:00", Some("2026-11-21T06:00:00Z")),
        (A, "10.0.0.2", "21:50:00", Some("2026-11-21T06:00:00Z")),
    ])
    .await;
    let gaps =
        answer(&lake.session().await, "coverage_gaps", &[ALL[0], ("to", "2026-11-19 23:00"), ("states", "late")]).await;
    assert_eq!(
        gaps.lines().skip(1).collect::<Vec<_>>(),
        [format!("{A},10.0.0.2,late,2026-11-19T21:40:00Z,2026-11-19T21:45:00Z,1,,2026-11-21T06:00:00Z")]
    );
}

#[tokio::test]
async fn surplus_fields_and_unknown_values_are_drift() {
    let head = "what,value,elb,lines,share,since,last_seen,example,a_file,a_line\n";
    assert_eq!(
        answer(&TestLake::evening().await.session().await, "drift", &[]).await,
        format!(
            "{head}fields,2 more,app/shop/50dc6c495c0c9188,3,0.75,2026-11-20T08:35:00Z,2026-11-20T08:50:00Z,\
             \"\"\"a \\\"\" b\"\" -\",test.log.gz,1\n"
        )
    );

    let mut lake = TestLake::empty().await;
    let at = |minute: i64| time("18:00:00") + chrono::TimeDelta::minutes(minute);
    let rows: Vec<Row> = (0..10)
        .map(|minute| {
            let row = request(at(minute));
            match minute {
                // What is known or missing is no drift. One row is another load balancer's.
                0 => with(row, row! {"classification": "Grim"}),
                2 => with(row, row! {"type": "h3", "elb": "app/other/1"}),
                3 | 5 => with(row, row! {"actions_executed": "waf,teleport,forward", "line": minute}),
                6 => with(row, row! {"type": "grpcs", "actions_executed": "waf,jwt-validation,rewrite,forward"}),
                7 => without(with(row, row! {"classification": "Severe"}), &["type", "actions_executed"]),
                8 => with(row, row! {"extra": "-"}),
                _ => row,
            }
        })
        .collect();
    lake.add(Table::ALB, Some("2026-11-19"), &rows).await;
    let shop = "app/shop/50dc6c495c0c9188";
    let day = "2026-11-19T";
    assert_eq!(
        answer(&lake.session().await, "drift", &[]).await,
        format!(
            "{head}\
             action,teleport,{shop},2,0.285714,{day}18:03:00Z,{day}18:05:00Z,\"waf,teleport,forward\",test.log.gz,3\n\
             classification,Grim,{shop},1,0.111111,{day}18:00:00Z,{day}18:00:00Z,Grim,test.log.gz,1\n\
             fields,1 more,{shop},1,0.5,{day}18:08:00Z,{day}18:08:00Z,'-,test.log.gz,1\n\
             type,h3,app/other/1,1,1.0,{day}18:02:00Z,{day}18:02:00Z,h3,test.log.gz,1\n"
        )
    );
}
