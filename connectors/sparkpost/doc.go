// Package sparkpost is the connector for SparkPost
// (https://developers.sparkpost.com): the request that sends one mail, the
// classes of its refusals, and the events that it reports.
package sparkpost
