// Package life plays a volume's life through godo, the official Go client, unchanged, against an embedded cloud.
//
// CLOUD_URL and CLOUD_TOKEN name the cloud; CLOUD_DROPLET is the id of one of its droplets.
package life

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/digitalocean/godo"
	"golang.org/x/oauth2"
)

const region = "nyc1"

func connect(t *testing.T, token string) *godo.Client {
	t.Helper()
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	client, err := godo.New(oauth2.NewClient(context.Background(), source), godo.SetBaseURL(os.Getenv("CLOUD_URL")))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func account(t *testing.T) *godo.Client {
	t.Helper()
	return connect(t, os.Getenv("CLOUD_TOKEN"))
}

func droplet(t *testing.T) int {
	t.Helper()
	id, err := strconv.Atoi(os.Getenv("CLOUD_DROPLET"))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func create(t *testing.T, client *godo.Client, name string) *godo.Volume {
	t.Helper()
	request := &godo.VolumeCreateRequest{Name: name, Region: region, SizeGigaBytes: 1, Tags: []string{"k8s"}}
	volume, _, err := client.Storage.CreateVolume(limited(t), request)
	if err != nil {
		t.Fatal(err)
	}
	return volume
}

func wait(t *testing.T, client *godo.Client, volume *godo.Volume, action *godo.Action, err error) {
	t.Helper()
	ctx := limited(t)
	for {
		if err != nil {
			t.Fatal(err)
		}
		if action.Status == godo.ActionCompleted {
			return
		}
		if action.Status != godo.ActionInProgress {
			t.Fatalf("action %d ended as %s", action.ID, action.Status)
		}
		time.Sleep(10 * time.Millisecond)
		action, _, err = client.StorageActions.Get(ctx, volume.ID, action.ID)
	}
}

// refused checks that an error is godo's own type, with the status and everything that the cloud said.
func refused(t *testing.T, err error, status int) {
	t.Helper()
	var refusal *godo.ErrorResponse
	if !errors.As(err, &refusal) {
		t.Fatalf("not an ErrorResponse: %v", err)
	}
	if refusal.Response.StatusCode != status || refusal.Message == "" || refusal.RequestID == "" {
		t.Fatalf("status %d expected: %+v", status, refusal)
	}
}

func TestAVolumeLivesItsWholeLife(t *testing.T) {
	client, ctx := account(t), limited(t)
	volume := create(t, client, "life")
	action, _, err := client.StorageActions.Attach(ctx, volume.ID, droplet(t))
	wait(t, client, volume, action, err)
	attached, _, err := client.Storage.GetVolume(ctx, volume.ID)
	if err != nil || len(attached.DropletIDs) != 1 || attached.DropletIDs[0] != droplet(t) {
		t.Fatalf("%+v, %v", attached, err)
	}
	action, _, err = client.StorageActions.Resize(ctx, volume.ID, 2, region)
	wait(t, client, volume, action, err)
	action, _, err = client.StorageActions.DetachByDropletID(ctx, volume.ID, droplet(t))
	wait(t, client, volume, action, err)
	grown, _, err := client.Storage.GetVolume(ctx, volume.ID)
	if err != nil || grown.SizeGigaBytes != 2 || grown.Region.Slug != region || len(grown.Tags) != 1 {
		t.Fatalf("%+v, %v", grown, err)
	}
	actions, _, err := client.StorageActions.List(ctx, volume.ID, nil)
	if err != nil || len(actions) != 3 || actions[0].Type != "detach_volume" || actions[0].CompletedAt == nil {
		t.Fatalf("%+v, %v", actions, err)
	}
	if _, err := client.Storage.DeleteVolume(ctx, volume.ID); err != nil {
		t.Fatal(err)
	}
}

func TestASnapshotBecomesAVolume(t *testing.T) {
	client, ctx := account(t), limited(t)
	volume := create(t, client, "origin")
	snapshot, _, err := client.Storage.CreateSnapshot(
		ctx, &godo.SnapshotCreateRequest{VolumeID: volume.ID, Name: "kept"})
	if err != nil || snapshot.ResourceID != volume.ID || snapshot.MinDiskSize != 1 {
		t.Fatalf("%+v, %v", snapshot, err)
	}
	request := &godo.VolumeCreateRequest{Name: "copy", SizeGigaBytes: 1, SnapshotID: snapshot.ID}
	if _, _, err := client.Storage.CreateVolume(ctx, request); err != nil {
		t.Fatal(err)
	}
	found, response, err := client.Snapshots.ListVolume(ctx, nil)
	if err != nil || len(found) != 1 || !response.Links.IsLastPage() {
		t.Fatalf("%+v, %+v, %v", found, response, err)
	}
	if _, err := client.Storage.DeleteSnapshot(ctx, snapshot.ID); err != nil {
		t.Fatal(err)
	}
	_, _, err = client.Storage.GetSnapshot(ctx, snapshot.ID)
	refused(t, err, http.StatusNotFound)
}

func TestPagesAreWalkedToTheLastOne(t *testing.T) {
	client, ctx := account(t), limited(t)
	for number := range 7 {
		create(t, client, fmt.Sprintf("page-%d", number))
	}
	seen := map[string]bool{}
	options := &godo.ListVolumeParams{ListOptions: &godo.ListOptions{Page: 1, PerPage: 3}}
	for {
		volumes, response, err := client.Storage.ListVolumes(ctx, options)
		if err != nil {
			t.Fatal(err)
		}
		for _, volume := range volumes {
			seen[volume.ID] = true
		}
		if response.Links.IsLastPage() {
			if len(seen) != response.Meta.Total || len(seen) < 7 {
				t.Fatalf("%d seen, %+v", len(seen), response.Meta)
			}
			return
		}
		page, err := response.Links.CurrentPage()
		if err != nil || page != options.ListOptions.Page {
			t.Fatalf("page %d: %v", page, err)
		}
		options.ListOptions.Page = page + 1
	}
}

func TestErrorsAreTyped(t *testing.T) {
	client, ctx := account(t), limited(t)
	volume := create(t, client, "typed")
	_, _, err := client.Storage.GetVolume(ctx, "00000000-0000-4000-8000-000000000000")
	refused(t, err, http.StatusNotFound)
	_, _, err = client.StorageActions.DetachByDropletID(ctx, volume.ID, droplet(t))
	refused(t, err, http.StatusUnprocessableEntity)
	_, _, err = client.Storage.CreateVolume(ctx, &godo.VolumeCreateRequest{Name: "typed", Region: region, SizeGigaBytes: 1})
	refused(t, err, http.StatusConflict)
	_, _, err = connect(t, "wrong").Account.Get(ctx)
	refused(t, err, http.StatusUnauthorized)
}

func TestEveryReplyTellsTheRate(t *testing.T) {
	client, ctx := account(t), limited(t)
	_, first, err := client.Account.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := client.Regions.List(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if first.Rate.Limit != 5000 || second.Rate.Remaining != first.Rate.Remaining-1 || !first.Rate.Reset.After(time.Now()) {
		t.Fatalf("%+v, then %+v", first.Rate, second.Rate)
	}
	if got := client.GetRate(); got != second.Rate {
		t.Fatalf("%+v is remembered", got)
	}
}

func TestDropletsAndTags(t *testing.T) {
	client, ctx := account(t), limited(t)
	machine, _, err := client.Droplets.Get(ctx, droplet(t))
	if err != nil || machine.Region.Slug != region || machine.Status != "active" || machine.Created == "" {
		t.Fatalf("%+v, %v", machine, err)
	}
	volume := create(t, client, "tagged")
	if _, _, err := client.Tags.Create(ctx, &godo.TagCreateRequest{Name: "blue"}); err != nil {
		t.Fatal(err)
	}
	resources := []godo.Resource{{ID: volume.ID, Type: godo.VolumeResourceType}}
	if _, err := client.Tags.TagResources(ctx, "blue", &godo.TagResourcesRequest{Resources: resources}); err != nil {
		t.Fatal(err)
	}
	tagged, _, err := client.Storage.GetVolume(ctx, volume.ID)
	if err != nil || len(tagged.Tags) != 2 {
		t.Fatalf("%+v, %v", tagged, err)
	}
}
