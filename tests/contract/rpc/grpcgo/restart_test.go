// Package grpcgo calls the driver as the sidecars do, with grpc-go, while the driver is restarted under it.
package grpcgo

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

func dial(t *testing.T) csi.ControllerClient {
	t.Helper()
	connection, err := grpc.NewClient("unix://"+os.Getenv("CSI_SOCKET"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return csi.NewControllerClient(connection)
}

// remove takes as long as seconds says; a refusal is repeated after a pause, as a sidecar does.
func remove(t *testing.T, client csi.ControllerClient, seconds string) (refusals int) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		_, err := client.DeleteVolume(ctx, &csi.DeleteVolumeRequest{VolumeId: seconds})
		if err == nil {
			return refusals
		}
		if status.Code(err) != codes.Unavailable {
			t.Errorf("DeleteVolume of %s s: %v", seconds, err)
			return refusals
		}
		refusals++
		time.Sleep(50 * time.Millisecond)
	}
}

// TestRestart: the slow calls are under way when the driver is told to stop; the quick ones go on all the time.
func TestRestart(t *testing.T) {
	slow, quick := dial(t), dial(t)
	var group sync.WaitGroup
	var lock sync.Mutex
	slowRefusals, quickRefusals, calls := 0, 0, 0
	for worker := 0; worker < 20; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			refused := remove(t, slow, "1.5")
			lock.Lock()
			slowRefusals += refused
			lock.Unlock()
		}()
	}
	end := time.Now().Add(6 * time.Second)
	for worker := 0; worker < 4; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for time.Now().Before(end) {
				refused := remove(t, quick, "0.01")
				lock.Lock()
				quickRefusals += refused
				calls++
				lock.Unlock()
			}
		}()
	}
	group.Wait()
	fmt.Printf("slow refusals %d, quick refusals %d of %d calls\n", slowRefusals, quickRefusals, calls)
	if slowRefusals != 0 {
		t.Errorf("%d calls that were under way were not answered", slowRefusals)
	}
}
