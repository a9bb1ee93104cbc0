//! The columns of an ALB row, declared once: names, types, units, null rules.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::cause::{AnsweredBy, Cause};
use crate::columns::{
    Counter, Dict, Float, Group, Int, IntPart, Long, NULL_KEY, Part, Text, Timestamp, Values, Wide, alike,
};
use crate::route::Routes;
use crate::url;
use crate::value::Clock;

/// Routes a batch may hold before new ones are gathered as `/*`: a scanner must not make every path its own endpoint.
const MAX_ROUTES: usize = 10_000;

macro_rules! rows {
    (
        groups { $($(#[doc = $group_doc:literal])* $group:ident,)* }
        columns { $($(#[doc = $doc:literal])* $field:ident as $name:literal: $type:ident $(in $in:ident)?,)* }
    ) => {
        /// A batch of rows of one or more sources under construction.
        #[derive(Default)]
        pub struct Rows {
            $($(#[doc = $group_doc])* pub(super) $group: Group,)*
            $($(#[doc = $doc])* pub(super) $field: $type,)*
            pub(super) time_clock: Clock,
            pub(super) created_clock: Clock,
            /// By key of `path`: the key of its route, which is found once per distinct path.
            path_routes: Vec<u32>,
            /// Paths of new URLs.
            new_paths: Text,
            routes: Routes,
            source: u32,
        }

        /// The columns in order, as they stand in the lake. All are nullable; `-` is NULL everywhere.
        pub fn schema() -> SchemaRef {
            Arc::new(Schema::new(vec![$(Field::new($name, $type::data_type(), true)),*]))
        }

        impl Rows {
            /// Takes back all rows from the `rows`th on: those of a source that turned out to be broken.
            pub fn truncate(&mut self, rows: usize) {
                $(self.$group.truncate(rows);)*
                $(self.$field.truncate(rows);)*
            }

            /// Takes back all rows; the memory stays for the next ones.
            pub fn clear(&mut self) {
                $(self.$group.clear();)*
                $(self.$field.clear();)*
                self.path_routes.clear();
                self.intern_enums();
            }

            /// Bytes held, roughly.
            pub fn size_bytes(&self) -> usize {
                $(self.$group.size_bytes() +)* $(self.$field.size_bytes() +)* self.path_routes.len() * 4
            }

            /// The values of each column of [`schema`].
            pub fn columns(&self) -> Vec<Values<'_>> {
                // URLs of one route are alike, and paths.
                let like = |name: &str, values| match name {
                    "request_url" => alike(values, self.route.of_group()),
                    "path" => alike(values, &self.path_routes),
                    _ => values,
                };
                vec![$(like($name, self.$field.values($(&self.$in)?))),*]
            }

            /// The rows in the order they came, as Arrow has it. Strings that repeat are dictionaries; otherwise as [`schema`].
            pub fn to_batch(&self) -> RecordBatch {
                let schema = schema();
                let arrays = schema.fields().iter().zip(self.columns()).map(|(field, values)| {
                    (field.name(), values.to_array(field.data_type()), true)
                });
                RecordBatch::try_from_iter_with_nullable(arrays).expect("every row appends to every column")
            }
        }
    };
}

rows! {
    groups {
        target,
        /// `ssl_cipher ssl_protocol target_group_arn`
        tls,
        /// `domain_name chosen_cert_arn matched_rule_priority`
        certificate,
        /// `actions_executed redirect_url error_reason`
        actions,
        /// `target:port_list target_status_code_list classification classification_reason`
        targets,
        /// `transformed_host transformed_uri request_transform_status`
        transform,
        /// `ip_address target_error_code elb_error_code`
        node,
    }
    columns {
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
        client_ip as "client_ip": Wide,
        client_port as "client_port": Int,
        /// NULL where no target was chosen.
        target_ip as "target_ip": Part in target,
        target_port as "target_port": IntPart in target,
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
        request_url as "request_url": Wide,
        request_proto as "request_proto": Dict,
        /// Host of the URL, lower case, without port.
        host as "host": Part in request_url,
        /// Path of the URL, without query.
        path as "path": Part in request_url,
        /// Template of the path, such as `/api/users/:id`.
        route as "route": Part in request_url,
        /// `target`, `load_balancer` or `client_gone`.
        answered_by as "answered_by": Dict,
        /// Why it failed, as far as the row tells; NULL when nothing is wrong.
        cause as "cause": Dict,
        user_agent as "user_agent": Wide,
        /// SNI host.
        domain_name as "domain_name": Part in certificate,
        target_group_arn as "target_group_arn": Part in tls,
        /// X-Amzn-Trace-Id.
        trace_id as "trace_id": Text,
        /// Joins to the connection log.
        conn_trace_id as "conn_trace_id": Wide,
        /// 1 to 50000 a rule, 0 the default action, -1 an error while evaluating rules.
        matched_rule_priority as "matched_rule_priority": IntPart in certificate,
        request_creation_time as "request_creation_time": Timestamp,
        actions_executed as "actions_executed": Part in actions,
        error_reason as "error_reason": Part in actions,
        redirect_url as "redirect_url": Part in actions,
        ssl_cipher as "ssl_cipher": Part in tls,
        ssl_protocol as "ssl_protocol": Part in tls,
        chosen_cert_arn as "chosen_cert_arn": Part in certificate,
        target_port_list as "target_port_list": Part in targets,
        target_status_code_list as "target_status_code_list": Part in targets,
        classification as "classification": Part in targets,
        classification_reason as "classification_reason": Part in targets,
        transformed_host as "transformed_host": Part in transform,
        transformed_uri as "transformed_uri": Part in transform,
        request_transform_status as "request_transform_status": Part in transform,
        /// Address of the load-balancer node.
        ip_address as "ip_address": Part in node,
        /// HTTP/2 RST_STREAM code of the target, as logged (`0x8`).
        target_error_code as "target_error_code": Part in node,
        elb_error_code as "elb_error_code": Part in node,
        /// Fields behind the 36th, as written.
        extra as "extra": Dict,
        /// Where the line stands.
        source_file as "source_file": Dict,
        /// Line number in `source_file`, from 1.
        line as "line": Counter,
    }
}

impl Rows {
    pub fn new(routes: Routes) -> Rows {
        let mut rows = Rows { routes, ..Rows::default() };
        rows.intern_enums();
        rows
    }

    /// Keys of these two are the enums' own numbers.
    fn intern_enums(&mut self) {
        for name in AnsweredBy::NAMES {
            self.answered_by.intern(name.as_bytes());
        }
        for name in Cause::NAMES {
            self.cause.intern(name.as_bytes());
        }
    }

    /// Rows from here on come from `source_file`.
    pub fn begin(&mut self, source_file: &str) {
        self.source = self.source_file.intern(source_file.as_bytes());
    }

    pub fn len(&self) -> usize {
        self.started_at.as_slice().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Arrival times of the rows, in their order, microseconds since the epoch.
    pub fn arrivals(&self) -> &[i64] {
        self.started_at.as_slice()
    }

    /// Ends a row. `line` is its number in the source.
    pub(super) fn push_source(&mut self, line: u64) {
        self.source_file.push_key(Some(self.source));
        self.line.push(Some(line as i64));
        if self.request_url.must_settle() {
            self.settle();
        }
    }

    /// Looks up what waits in the wide columns: each row has put one value into each of them. Host, path and route are derived
    /// once per distinct URL.
    pub(super) fn settle(&mut self) {
        self.client_ip.settle();
        self.user_agent.settle();
        self.conn_trace_id.settle();
        let new_urls = self.request_url.settle();
        self.new_paths.clear();
        for id in new_urls {
            // Lines reach this point as UTF-8.
            let parts = url::parts(std::str::from_utf8(self.request_url.get(id)).unwrap_or_default());
            match parts.host {
                Some(host) if host.bytes().any(|b| b.is_ascii_uppercase()) => {
                    self.host.add_verbatim(host.to_ascii_lowercase().as_bytes());
                }
                Some(host) => self.host.add_verbatim(host.as_bytes()),
                None => self.host.add_key(NULL_KEY),
            }
            // No path is `-`: it begins with a slash.
            self.new_paths.push(parts.path.unwrap_or("-").as_bytes());
        }
        let (paths, new_paths) = self.path.add_all(&self.new_paths);
        let paths: Vec<u32> = paths.to_vec();
        for id in new_paths {
            let path = std::str::from_utf8(self.path.get(id)).unwrap_or_default();
            let route = self.routes.route(path);
            let known = self.route.strings();
            let (route, _) = known.intern(if known.len() < MAX_ROUTES { route.as_bytes() } else { b"/*" });
            self.path_routes.push(route);
        }
        for path in paths {
            self.route.add_key(if path == NULL_KEY { NULL_KEY } else { self.path_routes[path as usize] });
        }
    }
}
