// Package deploy holds the files by which Inlet is run on more than one machine.
// It exists so that the local cluster runs the same ones.
package deploy

import _ "embed"

// Nginx is the configuration of the load balancer. It includes site/upstream.conf
// and site/listen.conf.
//
//go:embed nginx.conf
var Nginx string
