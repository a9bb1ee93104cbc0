//! The columns of an ALB row, declared once: names, types, units, null rules.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::cause::{AnsweredBy, Cause};
use crate::columns::{Column, Dict, Float, Int, Long, Text, Timestamp};
use crate::route::Routes;
use crate::url;

/// Routes a batch may hold before new ones are gathered as `/*`: a scanner must not make every path its own endpoint.
const MAX_ROUTES: usize = 10_000;

macro_rules! rows {
    ($($(#[doc = $doc:literal])* $field:ident as $name:literal: $type:ident,)*) => {
        /// A batch of rows of one or more sources under construction.
        pub struct Rows {
            $($(#[doc = $doc])* pub(super) $field: $type,)*
            /// By key of `path`: the key of its route, which is found once per distinct path.
            path_routes: Vec<u32>,
            routes: Routes,
            source: u32,
        }

        /// The columns in order, as they stand in the lake. All are nullable; `-` is NULL everywhere.
        pub fn schema() -> SchemaRef {
            Arc::new(Schema::new(vec![$(Field::new($name, $type::data_type(), true)),*]))
        }

        impl Rows {
            pub fn new(routes: Routes) -> Rows {
                let mut rows = Rows { $($field: $type::default(),)* path_routes: Vec::new(), routes, source: 0 };
                // Keys of these two are the enums' own numbers.
                AnsweredBy::NAMES.iter().for_each(|name| { rows.answered_by.values().intern(name.as_bytes()); });
                Cause::NAMES.iter().for_each(|name| { rows.cause.values().intern(name.as_bytes()); });
                rows
            }

            /// Takes back all rows from the `rows`th on: those of a source that turned out to be broken.
            pub fn truncate(&mut self, rows: usize) {
                $(self.$field.truncate(rows);)*
            }

            /// Bytes held, roughly.
            pub fn size_bytes(&self) -> usize {
                $(self.$field.size_bytes() +)* self.path_routes.len() * 4
            }

            /// The rows in the order they came. Columns of strings that repeat are dictionaries; otherwise as [`schema`].
            pub fn finish(self) -> RecordBatch {
                let arrays = vec![$(($name, self.$field.finish(), true)),*];
                RecordBatch::try_from_iter_with_nullable(arrays).expect("every row appends to every column")
            }
        }
    };
}

rows! {
    /// Arrival at the load balancer: `request_creation_time`, else `time` less the three processing times.
    started_at as "started_at": Timestamp,
    /// Seconds from arrival to `time`. NULL where neither can be told. For WebSocket, the life of the connection.
    duration as "duration": Float,
    /// `http`, `https`, `h2`, `grpcs`, `ws`, `wss`, or what AWS adds.
    kind as "type": Dict,
    /// When the response was made (WebSocket: when the connection closed).
    time as "time": Timestamp,
    /// Resource id, `app/<name>/<hex>`.
    elb as "elb": Dict,
    /// Peer of the load balancer: the client, or a proxy before it.
    client_ip as "client_ip": Dict,
    client_port as "client_port": Int,
    /// NULL where no target was chosen.
    target_ip as "target_ip": Dict,
    target_port as "target_port": Int,
    /// Seconds from receiving the request to sending it on. NULL for -1: it was not sent.
    request_processing_time as "request_processing_time": Float,
    /// Seconds until the target began its response. NULL for -1: it did not.
    target_processing_time as "target_processing_time": Float,
    /// Seconds from the target's response to the client's. NULL for -1.
    response_processing_time as "response_processing_time": Float,
    /// Status that the client got; 0 for `000`.
    elb_status_code as "elb_status_code": Int,
    /// Status that the target gave; NULL where it gave none.
    target_status_code as "target_status_code": Int,
    /// Bytes from the client, headers included.
    received_bytes as "received_bytes": Long,
    /// Bytes to the client, headers included.
    sent_bytes as "sent_bytes": Long,
    request_verb as "request_verb": Dict,
    /// As the client sent it, escapes as logged.
    request_url as "request_url": Text,
    request_proto as "request_proto": Dict,
    /// Host of the URL, lower case, without port.
    host as "host": Dict,
    /// Path of the URL, without query.
    path as "path": Dict,
    /// Template of the path, such as `/api/users/:id`.
    route as "route": Dict,
    /// `target`, `load_balancer` or `client_gone`.
    answered_by as "answered_by": Dict,
    /// Why it failed, as far as the row tells; NULL when nothing is wrong.
    cause as "cause": Dict,
    user_agent as "user_agent": Dict,
    /// SNI host.
    domain_name as "domain_name": Dict,
    target_group_arn as "target_group_arn": Dict,
    /// X-Amzn-Trace-Id.
    trace_id as "trace_id": Text,
    /// Joins to the connection log.
    conn_trace_id as "conn_trace_id": Text,
    /// 1 to 50000 a rule, 0 the default action, -1 an error while evaluating rules.
    matched_rule_priority as "matched_rule_priority": Int,
    request_creation_time as "request_creation_time": Timestamp,
    actions_executed as "actions_executed": Dict,
    error_reason as "error_reason": Dict,
    redirect_url as "redirect_url": Dict,
    ssl_cipher as "ssl_cipher": Dict,
    ssl_protocol as "ssl_protocol": Dict,
    chosen_cert_arn as "chosen_cert_arn": Dict,
    target_port_list as "target_port_list": Dict,
    target_status_code_list as "target_status_code_list": Dict,
    classification as "classification": Dict,
    classification_reason as "classification_reason": Dict,
    transformed_host as "transformed_host": Dict,
    transformed_uri as "transformed_uri": Dict,
    request_transform_status as "request_transform_status": Dict,
    /// Address of the load-balancer node.
    ip_address as "ip_address": Dict,
    /// HTTP/2 RST_STREAM code of the target, as logged (`0x8`).
    target_error_code as "target_error_code": Dict,
    elb_error_code as "elb_error_code": Dict,
    /// Fields behind the 36th, as written.
    extra as "extra": Dict,
    /// Where the line stands.
    source_file as "source_file": Dict,
    /// Line number in `source_file`, from 1.
    line as "line": Long,
}

impl Rows {
    /// Rows from here on come from `source_file`.
    pub fn begin(&mut self, source_file: &str) {
        self.source = self.source_file.values().intern(source_file.as_bytes()).0;
    }

    pub fn len(&self) -> usize {
        self.started_at.values().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Arrival times of the rows, in their order, microseconds since the epoch.
    pub fn arrivals(&self) -> &[i64] {
        self.started_at.values()
    }

    pub(super) fn push_source(&mut self, line: u64) {
        self.source_file.push_key(Some(self.source));
        self.line.push(Some(line as i64));
    }

    /// The URL and what is derived from it. URLs hardly repeat (ids, queries) and are kept as they are; paths repeat more, routes
    /// are few.
    pub(super) fn push_url(&mut self, url: &[u8]) {
        self.request_url.push(url);
        // Lines reach this point as UTF-8. Of `-` there are no parts.
        let parts = url::parts(str::from_utf8(url).unwrap_or_default());
        match parts.host {
            Some(host) if host.bytes().any(|b| b.is_ascii_uppercase()) => {
                self.host.push_verbatim(host.to_ascii_lowercase().as_bytes());
            }
            Some(host) => self.host.push_verbatim(host.as_bytes()),
            None => self.host.push_key(None),
        }
        let path = parts.path.map(|path| {
            let (key, is_new) = self.path.values().intern(path.as_bytes());
            if is_new {
                let route = self.routes.route(path);
                let routes = self.route.values();
                let (route, _) = routes.intern(if routes.len() < MAX_ROUTES { route.as_bytes() } else { b"/*" });
                self.path_routes.push(route);
            }
            key
        });
        self.path.push_key(path);
        self.route.push_key(path.map(|key| self.path_routes[key as usize]));
    }
}
