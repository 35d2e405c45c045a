// Package pigeon is the connector for Pigeon: the request that sends one mail,
// what its refusals mean, and the events that it reports.
//
// What it knows of Pigeon's API is invented, so that the package works as it
// is. Put the API of your provider in its place, where the comments ask for
// its documentation.
package pigeon
