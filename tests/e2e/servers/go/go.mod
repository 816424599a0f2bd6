module github.com/compozy/compozy

go 1.22

require bunscope/tests/e2e/parents/go v0.0.0

replace bunscope/tests/e2e/parents/go => ../../parents/go
